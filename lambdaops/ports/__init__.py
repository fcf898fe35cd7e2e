"""What the shell needs of the world, as Protocols: clock, functions, alarms, identity, journal, sink.

An adapter returns our values and raises our errors (``core.errors``); nothing of boto3, rich or a file shows through.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol, Self

from lambdaops.core.events import Entry
from lambdaops.ports.logs import Logs
from lambdaops.ports.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from lambdaops.core.events import Event
    from lambdaops.core.messages import Said
    from lambdaops.core.model import (
        Actor,
        AlarmReading,
        Alias,
        EventSource,
        Permission,
        Provisioned,
        Routing,
        Version,
    )
    from lambdaops.core.notices import Notice
    from lambdaops.core.states import Signal


class Clock(Protocol):
    """The time of day, and waiting."""

    def now(self) -> datetime:
        """The current time, in UTC."""

    def sleep(self, duration: timedelta) -> None:
        """Wait; return early when interrupted."""

    def interrupt(self) -> None:
        """End the sleep in progress, or the next one; may be called from a signal handler."""


class Signals(Protocol):
    """What people ask of the running process (Ctrl-C, SIGTERM)."""

    def listen(self) -> None:
        """Take requests from now on; until then an interrupt just ends the process, as anywhere."""

    def pending(self) -> tuple[Signal, str] | None:
        """The newest request and where it came from, or None."""


class Aliases(Protocol):
    """The alias a release moves. These two calls are all a rollback needs."""

    def get_alias(self, function: str, alias: str) -> Alias:
        """Read it.

        Raises:
            NotFoundError: no such function or alias.
            AwsError: denied, throttled, unreachable.
        """

    def set_routing(self, function: str, alias: str, routing: Routing, revision: str) -> Alias:
        """Write it, guarded by the revision it was decided on, weights always explicit.

        Raises:
            AliasChangedError: the revision is stale.
            AwsError: denied, throttled, unreachable; ``ambiguous`` when it may have taken effect.
        """


@dataclass(frozen=True, slots=True)
class Code:
    """Where code comes from: one of zip bytes, an S3 object, an image; none of them: what is there ($LATEST)."""

    zip: bytes | None = None
    s3: tuple[str, str, str | None] | None = None
    image: str | None = None

    @property
    def there(self) -> bool:
        """Whether it is the unpublished code as it stands, so that nothing is uploaded."""
        return self == Code()


class Functions(Aliases, Protocol):
    """Versions, and what else preflight asks of Lambda."""

    def get_version(self, function: str, qualifier: str | None = None) -> Version:
        """A version's configuration; None means the unpublished code ($LATEST)."""

    def list_versions(self, function: str) -> Sequence[Version]:
        """Every published version, oldest first, without $LATEST."""

    def event_sources(self, function: str) -> Sequence[EventSource]:
        """Every event source mapping of the function, whatever it is qualified with."""

    def permissions(self, function: str) -> Sequence[Permission]:
        """Who may invoke the function without naming a version or alias."""

    def provisioned(self, function: str, alias: str) -> Provisioned | None:
        """Provisioned concurrency of the alias, or None."""

    def update_code(self, function: str, code: Code, revision: str) -> Version:
        """Upload unpublished code, guarded by the revision.

        Raises:
            FunctionChangedError: the revision is stale.
            ConflictError: another update is in progress.
        """

    def publish_version(self, function: str, code_sha256: str, revision: str, description: str) -> Version:
        """Publish, guarded by the code's hash and the revision. AWS gives the last version back if nothing changed.

        Raises:
            FunctionChangedError: code or revision is not what was uploaded.
            ConflictError: an update is in progress.
        """


class Alarms(Protocol):
    """CloudWatch alarms of both kinds."""

    def read_alarms(self, names: Sequence[str]) -> tuple[AlarmReading, ...]:
        """The alarms of these names that exist; one call per hundred names, none for no name."""


@dataclass(frozen=True, slots=True)
class AlarmLink:
    """An alarm measures a function: as a whole, or one alias or version of it (``qualifier``)."""

    alarm: str
    function: str
    qualifier: str = ""


class Inventory(Protocol):
    """What the account has in one region."""

    @property
    def region(self) -> str:
        """The region.

        Raises:
            RegionMissingError: none is set.
        """

    def functions(self) -> Iterator[str]:
        """The name of every function."""

    def aliases(self, function: str) -> tuple[Alias, ...]:
        """The aliases of a function, in the order of their names.

        Raises:
            NotFoundError: no such function, or no longer.
        """

    def alarm_names(self, prefix: str) -> tuple[str, ...]:
        """The names of the alarms that begin with the prefix, sorted; every alarm's for an empty one."""

    def alarm_links(self) -> tuple[AlarmLink, ...]:
        """Which alarm is about which function, sorted; one sweep over the account's alarms."""


class Identity(Protocol):
    """Who we are to AWS."""

    def caller(self) -> str:
        """The ARN of the caller (STS GetCallerIdentity)."""


@dataclass(frozen=True, slots=True)
class JournalReading:
    """A journal as read: its entries, and whether the last line was cut off by a crash."""

    entries: tuple[Entry, ...]
    torn: bool = False


@dataclass(frozen=True, slots=True)
class Verified:
    """A checked journal: ``count`` records, and the hash of the last.

    Keep both outside the file, in a ticket or another account: records cut off the end leave a chain that holds.
    ``heads`` has the hash of every record that was asked for and is there, by number; of record 0, that of none.
    """

    count: int
    head: str
    torn: bool
    heads: Mapping[int, str] = field(default_factory=dict)


class Journal(Protocol):
    """The write-ahead log of one target."""

    def read(self) -> JournalReading:
        """Everything written so far; a journal that does not exist yet is empty.

        Raises:
            JournalTamperedError: with the line number.
        """

    def each(self) -> Iterator[Entry]:
        """As :meth:`read`, one after another, in memory that does not grow with the journal.

        Raises:
            JournalTamperedError: with the line number; after the entries before it.
        """

    def recent(self, enough: Callable[[Sequence[Entry]], bool]) -> JournalReading:
        """The newest records: a part from the end that is ``enough``, or all; checked among themselves.

        Raises:
            JournalTamperedError: one of them is not what was written.
            InvalidFileError: it cannot be read.
        """

    def append(self, at: datetime, release: str, actor: Actor, event: Event) -> Entry:
        """Write one record and have it on disk before returning.

        Raises:
            JournalUnwritableError: disk full, read-only, no permission, lock not had.
        """

    def extend(self, at: datetime, release: str, actor: Actor, events: Sequence[Event]) -> tuple[Entry, ...]:
        """Write several records at once, for what nobody acts on in between; a crash leaves the first of them.

        Raises:
            JournalUnwritableError: as :meth:`append`; the first few may have been written.
        """

    def since(self, seq: int) -> tuple[Entry, ...]:
        """The records after number ``seq``, whoever wrote them; asked twice a second, so cheap when nothing is new.

        Raises:
            JournalTamperedError: with the line number.
            InvalidFileError: the file cannot be read.
        """


SILENT_AFTER = timedelta(seconds=15)
"""A driver that has not shown itself for so long is stopped, asleep, or cut off from its store."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Who drives, or drove, the release of a target.

    ``live`` is true while that process exists and holds the right; ``beat`` is when it last showed that it is at work.
    A process that died leaves a lease that is not live.
    """

    pid: int
    host: str
    since: datetime | None
    release: str
    beat: datetime | None
    live: bool

    @property
    def who(self) -> str:
        """The process, in words."""
        if not self.pid:
            return "a process that left no note"
        since = f" since {self.since:%FT%TZ}" if self.since else ""
        return f"pid {self.pid} on {self.host}{since}"


class Drive(Protocol):
    """The right to drive the release of one target, held for as long as the context lasts."""

    def __enter__(self) -> Self:
        """Take it.

        Raises:
            ReleaseInProgressError, RedriveInProgressError, FunctionBusyError: another live process has it; who,
                where and since when.
        """

    def beat(self) -> None:
        """Show that this process is at work; called at every look and twice a second in between."""

    def __exit__(self, *exc: object) -> None:
        """Give it back."""


class Journals(Protocol):
    """All journals of a store: together, the audit log."""

    def open(self, arn: str) -> Journal:
        """The journal of one alias, function or queue ARN; it need not exist yet."""

    def drive(self, arn: str, release: str = "") -> Drive:
        """The exclusive right, for this run, to drive an alias's releases, move a queue's messages, delete versions."""

    def driver(self, arn: str) -> Lease | None:
        """Who has that right now, or had it and died; None when nobody does."""

    def verify(self, arn: str, marks: Collection[int] = ()) -> Verified:
        """Check a whole journal, in memory for one record; ``marks`` are numbers of records whose heads are wanted.

        Raises:
            JournalTamperedError: with the line number.
            InvalidFileError: it cannot be read.
        """

    def targets(self) -> tuple[str, ...]:
        """The ARNs that have a journal."""


class Ask(Protocol):
    """Where a change is confirmed."""

    def confirm(self, question: str) -> None:
        """Return if the answer is yes.

        Raises:
            ConfirmationMissingError: it is no, or nobody is there to ask.
        """


class Sink(Protocol):
    """Where a running operation tells what happens."""

    def emit(self, notice: Notice) -> None:
        """Take one notice; must not fail and must not block for long."""


class Notifier(Protocol):
    """A channel that people outside the process read."""

    def tell(self, message: Said) -> None:
        """Hand one message over; takes seconds at most, in whatever thread it is called.

        Raises:
            NotToldError, AwsError, NotFoundError: the channel did not take it; no secret is in the text.
        """


class Recording(Protocol):
    """What it takes to write to a journal and to tell of it; every set of ports has it."""

    @property
    def clock(self) -> Clock:
        """The time of day."""

    @property
    def identity(self) -> Identity:
        """Who we are to AWS."""

    @property
    def sink(self) -> Sink:
        """Where it is told."""

    @property
    def host(self) -> str:
        """The machine we are on."""

    @property
    def run(self) -> str:
        """The CI run this is part of; empty outside CI."""

    @property
    def commit(self) -> str:
        """The commit that run is about; empty where there is none."""

    @property
    def tool(self) -> str:
        """What we are, with our version."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything an operation needs, wired once by the composition root."""

    clock: Clock
    signals: Signals
    functions: Functions
    alarms: Alarms
    metrics: Metrics
    logs: Logs
    identity: Identity
    journals: Journals
    sink: Sink
    ask: Ask
    host: str
    run: str = ""
    tool: str = ""
    commit: str = ""
