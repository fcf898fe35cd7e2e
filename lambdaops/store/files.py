"""All journals under one home directory: the audit log of this machine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from lambdaops.core.errors import InvalidTargetError
from lambdaops.store.disk import READ, Disk
from lambdaops.store.drive import FileDrive, lease_of
from lambdaops.store.framing import entry_of, read_line, split_lines
from lambdaops.store.journal import FileJournal
from lambdaops.store.places import SUFFIX, Place
from lambdaops.store.refusals import unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from lambdaops.ports import Lease, Verified

_LOCK_WAIT = timedelta(seconds=10)
_BLOCK = 16 * 1024


def default_home(env: Mapping[str, str]) -> Path:
    """Where journals are kept: ``LAMBDAOPS_HOME``, else the user's state directory."""
    if override := env.get("LAMBDAOPS_HOME"):
        return Path(override)
    import platformdirs  # noqa: PLC0415 -- only needed without the variable

    try:
        found = platformdirs.user_state_path("lambdaops", appauthor=False)
    except RuntimeError:  # newer platformdirs; older ones give "~" back
        found = Path("~")
    # A container's user without a name and HOME. A directory called "~" in whatever checkout we are run in would be
    # lost with it, and stopping here would stop a rollback: like Docker, take the root for its home, where writing
    # fails and says what to set.
    return Path("/.local/state/lambdaops") if found.parts[0] == "~" else found


class FileJournals:
    """All journals under one home directory (``ports.Journals``)."""

    def __init__(
        self,
        home: Path,
        *,
        disk: Disk | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        wait: timedelta = _LOCK_WAIT,
    ) -> None:
        self.home = home
        self._disk = disk or Disk()
        self._now = now
        self._wait = wait

    def open(self, arn: str) -> FileJournal:
        """The journal of one alias, function or queue; nothing is made until it is written to.

        Raises:
            InvalidTargetError: not such an ARN.
        """
        return FileJournal(Place.parse(arn), self.home, disk=self._disk, wait=self._wait)

    def drive(self, arn: str, release: str = "") -> FileDrive:
        """The exclusive right to drive releases of this alias, or to move messages of this queue, from this machine.

        Raises:
            InvalidTargetError: not such an ARN.
        """
        return FileDrive(Place.parse(arn), self.home, release, disk=self._disk, now=self._now, wait=self._wait)

    def driver(self, arn: str) -> Lease | None:
        """Who drives releases of this alias, or redrives this queue, or died while doing so; None when nobody does.

        Raises:
            InvalidTargetError: not such an ARN.
        """
        return lease_of(Place.parse(arn), self.home, self._now)

    def verify(self, arn: str, marks: Collection[int] = ()) -> Verified:
        """Check a whole journal; count and head are to be kept elsewhere, for only they show a shortened file.

        Raises:
            JournalTamperedError: with the line number.
            InvalidFileError: the file cannot be read.
        """
        return self.open(arn).verify(marks)

    def targets(self) -> tuple[str, ...]:
        """The ARNs that have a journal, sorted.

        A journal that is empty, damaged or unreadable is listed all the same, under the ARN its path stands for:
        otherwise damaging it would be the way to hide it from an audit.

        Raises:
            InvalidFileError: a directory cannot be listed.
        """
        return tuple(sorted(self._found()))

    def _found(self) -> Iterator[str]:
        root = self.home / "journal"
        for account in _names(root):
            for region in _names(root / account):
                for function in _names(root / account / region):
                    for name in _names(root / account / region / function):
                        place = Place.of_path(account, region, function, name.removesuffix(SUFFIX))
                        if name.endswith(SUFFIX) and place is not None:
                            yield self._stated(place) or place.arn

    def _stated(self, place: Place) -> str | None:
        """The ARN in the first record, which knows its partition, if it belongs where it stands."""
        try:
            fd = self._disk.open(place.file(self.home, SUFFIX), READ)
            try:
                lines, _ = split_lines(self._disk.read(fd, 0, _BLOCK))
            finally:
                self._disk.close(fd)
            stated = Place.parse(entry_of(read_line(lines[0])).target)
        except (OSError, IndexError, ValueError, InvalidTargetError):
            return None
        return stated.arn if stated.file(self.home, "") == place.file(self.home, "") else None


def _names(directory: Path) -> list[str]:
    try:
        return [path.name for path in directory.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise unreadable(directory, error) from error
