"""The right to drive releases of one alias, or to move one queue's messages, among all machines that share a table.

Rules this file guarantees: the right is a note that only a conditional write changes, so two processes never take it at
once; its holder renews it, and whoever wants it watches it: a note that changes is held, one that has not changed for
``SILENT_AFTER`` is left over. Clocks of different machines are never compared for that. A holder that finds the note
in another's hands stops at once, without touching traffic.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self

from lambdaops.core.errors import AwsError, JournalUnwritableError, LambdaOpsError, NotFoundError
from lambdaops.ports import SILENT_AFTER, Lease
from lambdaops.store.drive import held

if TYPE_CHECKING:
    from lambdaops.ports import Clock
    from lambdaops.ports.tables import Table
    from lambdaops.store.places import Place

_BEAT_EVERY = timedelta(seconds=4)
_WATCH_EVERY = timedelta(seconds=1)


class TableDrive:
    """A context that holds the right (``ports.Drive``)."""

    def __init__(self, place: Place, table: Table, clock: Clock, release: str) -> None:
        self._place = place
        self._table = table
        self._clock = clock
        self._mine = _Note(os.getpid(), socket.gethostname(), clock.now(), release, clock.now(), secrets.token_hex(8))
        self._text = ""

    def __enter__(self) -> Self:
        """Take it; that takes as long as a note that somebody left behind must be watched.

        Raises:
            ReleaseInProgressError, RedriveInProgressError: another process has it.
            JournalUnwritableError: the table cannot be read or written.
        """
        try:
            seen = self._table.note(self._place.arn)
            self._watch(seen)
            self._mine = self._mine.at(self._clock.now())
            if not self._replace(seen):
                raise self._refusal()
        except (AwsError, NotFoundError) as error:
            raise JournalUnwritableError(
                f"dynamodb://{self._table.name}: the right to drive {self._place.name} cannot be taken: "
                f"{error.message}",
                hint=error.hint,
                target=self._place.name,
                request_id=error.request_id,
            ) from error
        return self

    def _watch(self, seen: str | None) -> None:
        """Return when nobody holds the note.

        Raises:
            ReleaseInProgressError, RedriveInProgressError: it was renewed while we watched.
        """
        watched = timedelta()
        while seen is not None and watched < SILENT_AFTER:
            # Counted in what was slept, not by the clock, which may be set.
            self._clock.sleep(_WATCH_EVERY)
            watched += _WATCH_EVERY
            now = self._table.note(self._place.arn)
            if now is None:
                return
            if now != seen:
                raise self._refusal()

    def beat(self) -> None:
        """Renew the note, at most every four seconds; a table that does not answer is asked again at the next look.

        Raises:
            ReleaseInProgressError, RedriveInProgressError: it is another's by now: this process was silent for too
                long.
        """
        now = self._clock.now()
        if self._mine.beat <= now < self._mine.beat + _BEAT_EVERY:
            return
        self._mine = self._mine.at(now)
        with contextlib.suppress(AwsError):
            if not self._replace(self._text):
                raise self._refusal()

    def __exit__(self, *exc: object) -> None:
        """Give it back, if it is still ours; one that cannot be given back runs out."""
        with contextlib.suppress(AwsError, NotFoundError):
            self._table.replace_note(self._place.arn, self._text, None)

    def _replace(self, old: str | None) -> bool:
        """Write our note where ``old`` is, or where an earlier write of ours is whose answer was lost."""
        text = self._mine.text
        if self._table.replace_note(self._place.arn, old, text):
            self._text = text
            return True
        found = self._table.note(self._place.arn)
        if found is None or _read(found).token != self._mine.token:
            return False
        if not self._table.replace_note(self._place.arn, found, text):
            return False
        self._text = text
        return True

    def _refusal(self) -> LambdaOpsError:
        found = self._table.note(self._place.arn)
        return held(self._place, _read(found).lease(live=True) if found is not None else None)


def lease_of(place: Place, table: Table, now: datetime) -> Lease | None:
    """Who drives releases of this alias, or died while doing so; None when nobody does.

    Raises:
        AwsError, NotFoundError: the table cannot be read.
    """
    found = table.note(place.arn)
    if found is None:
        return None
    note = _read(found)
    return note.lease(live=abs(now - note.beat) < SILENT_AFTER)


@dataclass(frozen=True, slots=True)
class _Note:
    pid: int
    host: str
    since: datetime
    release: str
    beat: datetime
    token: str

    def at(self, now: datetime) -> _Note:
        return _Note(self.pid, self.host, self.since, self.release, now, self.token)

    @property
    def text(self) -> str:
        times = {"since": self.since.isoformat(), "beat": self.beat.isoformat()}
        return json.dumps(
            {"pid": self.pid, "host": self.host, "release": self.release, "token": self.token, **times}, sort_keys=True
        )

    def lease(self, *, live: bool) -> Lease:
        return Lease(self.pid, self.host, self.since, self.release, self.beat, live=live)


_UNKNOWN = _Note(0, "", datetime.fromtimestamp(0, UTC), "", datetime.fromtimestamp(0, UTC), "")


def _read(text: str) -> _Note:
    """A note as it stands; of one that cannot be read nothing is known but that it is there."""
    try:
        note = json.loads(text)
        since, beat = datetime.fromisoformat(note["since"]), datetime.fromisoformat(note["beat"])
        return _Note(int(note["pid"]), str(note["host"]), since, str(note["release"]), beat, str(note["token"]))
    except (ValueError, KeyError, TypeError):
        return _UNKNOWN
