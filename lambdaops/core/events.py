"""What is written to the journal: one event per thing that happened, wrapped in an entry that says who and when.

Rules this file guarantees: an event carries everything replay needs and no secret and no payload; its ``kind`` in the
journal is stable; a rollback outside a release and a publication are events of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from lambdaops.core.codec import CodecError, decode, encode, encode_fields
from lambdaops.core.dlq.records import (
    DeadLetterEvent,
    LoadStep,
    QueueChanged,
    QueueChanging,
    RedriveClosed,
    RedriveHeard,
    RedriveHeld,
    RedriveOpened,
    RedriveResumed,
    RedriveSignalled,
    RedriveStage,
    RedriveStep,
)
from lambdaops.core.gates import GateResult
from lambdaops.core.halt.records import (
    HaltDone,
    Halted,
    HaltEvent,
    HaltFailed,
    HaltIntent,
    HaltOpened,
    Unhalted,
    UnhaltHeld,
    UnhaltOpened,
    UnhaltStage,
)
from lambdaops.core.judging import Row
from lambdaops.core.model import Actor, AlarmReading, Routing
from lambdaops.core.plan import Plan
from lambdaops.core.playbook.records import (
    ApprovalAsked,
    PlaybookClosed,
    PlaybookEvent,
    PlaybookHeld,
    PlaybookOpened,
    PlaybookResumed,
    PlaybookSignalled,
    PlaybookUndoing,
    StepBegan,
    StepEnded,
)
from lambdaops.core.prune_records import (
    PruneClosed,
    PruneEvent,
    PruneOpened,
    VersionDeleted,
    VersionDeleteFailed,
    VersionDeleting,
    VersionSpared,
)
from lambdaops.core.states import Outcome, Signal, State

SCHEMA = 1
"""Version of the record layout (``v``)."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A release begins: its whole plan, what the alias was, what the alarms said, which rules it was excused from."""

    plan: Plan
    revision: str
    alarms: tuple[AlarmReading, ...]
    reason: str = ""
    ticket: str = ""
    tool: str = ""
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Observed:
    """The world changed since the last look; ``alias`` is None when it could not be read."""

    alias: Routing | None
    alarms: tuple[AlarmReading, ...]
    gates: tuple[GateResult, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """One more period of metrics has settled; it counts from here on, whoever drives the release."""

    at: datetime
    length: timedelta
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Decided:
    """The machine moved to another state, or what it does has another reason.

    ``answers`` is the number of the last record that asked for something and is answered by this: in one record with
    the state, so that a crash can neither lose a request nor carry it out twice.
    """

    state: State
    reason: str
    answers: int | None = None


@dataclass(frozen=True, slots=True)
class Intent:
    """An alias write is about to be made; on disk before the call."""

    op: int
    before: Routing | None
    desired: Routing
    revision: str
    reason: str
    then: State


@dataclass(frozen=True, slots=True)
class Landed:
    """The write of ``op`` is in effect; ``reconciled`` when a later read showed it rather than the call's answer.

    ``request_id`` is AWS's name of that call, by which CloudTrail knows it as well; a lost answer had one too.
    """

    op: int
    routing: Routing
    revision: str
    reconciled: bool = False
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """The write of ``op`` failed, or its answer was lost; ``settled`` when a later read showed that it cannot land."""

    op: int
    code: str
    message: str
    request_id: str = ""
    settled: bool = False


@dataclass(frozen=True, slots=True)
class Signalled:
    """Somebody asked the running release for something; ``lasts`` is how long a pause may last."""

    signal: Signal
    reason: str
    lasts: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Resumed:
    """Another process took the release up; ``state`` is where it goes on."""

    state: State


@dataclass(frozen=True, slots=True)
class Closed:
    """The release is over."""

    outcome: Outcome
    reason: str


@dataclass(frozen=True, slots=True)
class RolledBack:
    """Somebody rolled the alias back with one command; written after the effect. ``request_id`` is the write's."""

    before: Routing
    after: Routing
    revision: str
    basis: str
    reason: str = ""
    ticket: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class PublishStarted:
    """Code is about to be uploaded and published; ``source`` says from where, ``code_sha256`` what, if known."""

    source: str
    code_sha256: str
    reason: str = ""
    ticket: str = ""


@dataclass(frozen=True, slots=True)
class Published:
    """The publication ended: a new version, or the existing one when nothing had changed."""

    version: str
    code_sha256: str
    new: bool
    description: str = ""


@dataclass(frozen=True, slots=True)
class PublishFailed:
    """The publication did not end in a usable version."""

    code: str
    message: str
    request_id: str = ""


Event = (
    Opened
    | Observed
    | Judged
    | Decided
    | Intent
    | Landed
    | Failed
    | Signalled
    | Resumed
    | Closed
    | RolledBack
    | PublishStarted
    | Published
    | PublishFailed
    | PruneEvent
    | DeadLetterEvent
    | PlaybookEvent
    | HaltEvent
)

KINDS: dict[str, type[Event]] = {
    "opened": Opened,
    "observed": Observed,
    "judged": Judged,
    "decided": Decided,
    "intent": Intent,
    "done": Landed,
    "failed": Failed,
    "signal": Signalled,
    "resumed": Resumed,
    "closed": Closed,
    "rollback": RolledBack,
    "publish": PublishStarted,
    "published": Published,
    "publish-failed": PublishFailed,
    "prune-opened": PruneOpened,
    "version-deleting": VersionDeleting,
    "version-deleted": VersionDeleted,
    "version-spared": VersionSpared,
    "version-delete-failed": VersionDeleteFailed,
    "prune-closed": PruneClosed,
    "redrive-opened": RedriveOpened,
    "redrive-resumed": RedriveResumed,
    "redrive-step": RedriveStep,
    "redrive-stage": RedriveStage,
    "redrive-signal": RedriveSignalled,
    "redrive-heard": RedriveHeard,
    "redrive-held": RedriveHeld,
    "redrive-closed": RedriveClosed,
    "queue-changing": QueueChanging,
    "load-step": LoadStep,
    "queue-changed": QueueChanged,
    "playbook-opened": PlaybookOpened,
    "playbook-resumed": PlaybookResumed,
    "step": StepBegan,
    "step-ended": StepEnded,
    "approval": ApprovalAsked,
    "playbook-signal": PlaybookSignalled,
    "playbook-undoing": PlaybookUndoing,
    "playbook-held": PlaybookHeld,
    "playbook-closed": PlaybookClosed,
    "halt": HaltOpened,
    "halt-intent": HaltIntent,
    "halt-done": HaltDone,
    "halt-failed": HaltFailed,
    "halted": Halted,
    "unhalt": UnhaltOpened,
    "unhalt-stage": UnhaltStage,
    "unhalt-held": UnhaltHeld,
    "unhalted": Unhalted,
}
_NAMES = {cls: kind for kind, cls in KINDS.items()}
_KEYS = frozenset({"v", "seq", "at", "target", "release", "kind", "op", "actor", "data"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One event in its place; ``seq`` is None when the journal could not take it (only a rollback goes on then).

    ``target`` is the alias ARN (the function's for what is published, deleted or halted, the queue's for dead letters,
    a playbook's name in ARN form for its runs); ``release`` groups the events of one run.
    """

    seq: int | None
    at: datetime
    target: str
    release: str
    actor: Actor
    event: Event


def kind_of(event: Event) -> str:
    """The event's stable name in the journal."""
    return _NAMES[type(event)]


def to_record(entry: Entry) -> dict[str, object]:
    """An entry as the JSON object of one journal line, without the hash chain's ``prev``."""
    data = encode_fields(entry.event)
    op = data.pop("op", None)
    return {
        "v": SCHEMA,
        "seq": entry.seq,
        "at": encode(entry.at),
        "target": entry.target,
        "release": entry.release,
        "kind": kind_of(entry.event),
        "op": op,
        "actor": encode_fields(entry.actor),
        "data": data,
    }


def from_record(record: dict[str, object]) -> Entry:
    """Read back what :func:`to_record` made.

    Raises:
        CodecError: an unknown kind or version, or data that does not fit.
    """
    version = record.get("v")
    if type(version) is not int or version != SCHEMA:
        raise CodecError(f"unknown record version {version!r}")
    if record.keys() != _KEYS:
        raise CodecError(f"record: unknown {sorted(record.keys() - _KEYS)}, missing {sorted(_KEYS - record.keys())}")
    cls = KINDS.get(str(record.get("kind")))
    data = record.get("data")
    if cls is None or not isinstance(data, dict):
        raise CodecError(f"unknown kind {record.get('kind')!r}")
    op = record.get("op")
    return Entry(
        seq=decode(int, record.get("seq")),
        at=decode(datetime, record.get("at")),
        target=decode(str, record.get("target")),
        release=decode(str, record.get("release")),
        actor=decode(Actor, record.get("actor")),
        event=decode(cls, data if op is None else {**data, "op": op}),
    )
