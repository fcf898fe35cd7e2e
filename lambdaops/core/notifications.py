"""Which journal records are worth telling people, and what is told: channels, moments, and messages made from records.

Rules this file guarantees: a moment is told by the process that brought it about and by no other; a release that is
held again after it went on is told again, one that stays held is not; a message holds no payload, no variable and no
URL but those that the operator wrote.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from lambdaops.core.events import Closed, Decided, Entry, Landed, Opened, Resumed, RolledBack
from lambdaops.core.model import Actor, Routing, percent
from lambdaops.core.playbook.records import PlaybookEvent
from lambdaops.core.playbook.telling import note_of
from lambdaops.core.replay import Release, advance, releases
from lambdaops.core.states import Awaiting, Cause, Held, Outcome, State

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambdaops.core.notes import Note

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")


class Moment(enum.Enum):
    """What a channel can be told of; TEST is what ``notify test`` sends."""

    STARTED = "started"
    HELD = "held"
    ROLLED_BACK = "rolled-back"
    PROMOTED = "promoted"
    TEST = "test"


EVERY = (Moment.STARTED, Moment.HELD, Moment.ROLLED_BACK, Moment.PROMOTED)
"""What a channel is told of that does not say it."""


@dataclass(frozen=True, slots=True)
class SlackChannel:
    """An incoming webhook of Slack, or of what takes the same; ``url_from_env`` names the variable with its URL."""

    url_from_env: str
    on: tuple[Moment, ...] = EVERY

    def __str__(self) -> str:
        return f"slack ({self.url_from_env})"


@dataclass(frozen=True, slots=True)
class SnsChannel:
    """A topic of SNS, by its ARN."""

    topic: str
    on: tuple[Moment, ...] = EVERY

    def __str__(self) -> str:
        return f"sns ({self.topic})"

    @property
    def region(self) -> str:
        """Where the topic is, which need not be where the function is."""
        return self.topic.split(":")[3]


@dataclass(frozen=True, slots=True)
class EventBridgeChannel:
    """An event bus, by its name or ARN."""

    bus: str
    on: tuple[Moment, ...] = EVERY

    def __str__(self) -> str:
        return f"eventbridge ({self.bus})"

    @property
    def region(self) -> str | None:
        """Where the bus is, if its ARN says so: otherwise where the function is."""
        return self.bus.split(":")[3] if self.bus.startswith("arn:") else None


Channel = SlackChannel | SnsChannel | EventBridgeChannel


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel is told.

    ``target`` is the ARN of the alias, ``id`` the same whenever the same record is told again. ``why`` is the tool's
    own reason, without URLs; ``reason`` and ``ticket`` are the operator's words. ``actor`` did it, ``next`` is what a
    person can do now.
    """

    moment: Moment
    id: str
    at: datetime
    target: str
    release: str
    actor: Actor
    stable: str = ""
    candidate: str = ""
    environment: str = ""
    why: str = ""
    reason: str = ""
    ticket: str = ""
    next: str = ""

    @property
    def name(self) -> str:
        """The target as people write it: ``orders:live``."""
        return name_of(self.target)


@dataclass(frozen=True, slots=True)
class Story:
    """What this process has written of the releases it drives; ``driven`` is None for one that another drives."""

    environment: str = ""
    driven: tuple[tuple[str, Release | None], ...] = ()

    def release(self, id_: str) -> Release | None:
        """The release as far as it was heard of, if it is driven here."""
        return dict(self.driven).get(id_)

    def heard(self, entry: Entry, journal: Iterable[Entry] = ()) -> tuple[Story, Message | Note | None]:
        """Take in one record, in the order of writing; gives what is to be told of it.

        Args:
            entry: the record.
            journal: the target's journal; needed where :func:`needs_journal` says so.
        """
        if isinstance(entry.event, RolledBack):
            return self, self._of_rollback(entry, entry.event)
        if isinstance(entry.event, PlaybookEvent):
            return self, note_of(entry, id_of(entry), self.environment)
        known = dict(self.driven)
        if entry.release not in known:
            # Who steers a release hears its records too. Its process tells; that one began with one of these two.
            began = isinstance(entry.event, Opened | Resumed)
            release = _found(entry, (*journal, entry)) if began else None
            return replace(self, driven=(*self.driven, (entry.release, release))), None
        before = known[entry.release]
        if before is None:
            return self, None
        after = advance(before, entry)
        known[entry.release] = after
        return replace(self, driven=tuple(known.items())), self._of_release(before, after, entry, journal)

    def _of_release(self, before: Release, after: Release, entry: Entry, journal: Iterable[Entry]) -> Message | None:
        match entry.event:
            case Landed(routing=routing) if not before.landed and routing.share(after.plan.candidate):
                return self._message(Moment.STARTED, after, entry, _begun(after, routing))
            case Decided(state=state, reason=reason) if _waits(state) and _waits(state) != _waits(before.state):
                return self._message(Moment.HELD, after, entry, reason)
            case Closed(outcome=Outcome.PROMOTED, reason=reason):
                return self._message(Moment.PROMOTED, after, entry, reason)
            case Closed(outcome=Outcome.ROLLED_BACK | Outcome.SUPERSEDED, reason=reason):
                # Whoever rolled the alias back in the meantime has told that, and knows why.
                by_other = any(found.undone for found in releases(journal) if found.id == after.id)
                return None if by_other else self._message(Moment.ROLLED_BACK, after, entry, reason)
            case _:
                return None

    def _message(self, moment: Moment, release: Release, entry: Entry, why: str) -> Message:
        opened = release.opened.event
        assert isinstance(opened, Opened)  # noqa: S101 -- the release was found by it
        return Message(
            moment=moment,
            id=id_of(entry),
            at=entry.at,
            target=entry.target,
            release=release.id,
            actor=entry.actor,
            stable=release.plan.stable,
            candidate=release.plan.candidate,
            environment=self.environment,
            why=without_urls(why),
            reason=opened.reason,
            ticket=opened.ticket,
            next=_next_step(moment, self._again(entry), release.state, release.plan.stable),
        )

    def _of_rollback(self, entry: Entry, event: RolledBack) -> Message:
        stable = event.after.primary
        others = sorted(event.before.versions - {stable})
        return Message(
            moment=Moment.ROLLED_BACK,
            id=id_of(entry),
            at=entry.at,
            target=entry.target,
            release=entry.release,
            actor=entry.actor,
            stable=stable,
            candidate=others[0] if others else "",
            environment=self.environment,
            why=without_urls(f"from {event.before} to {event.after} ({event.basis})"),
            reason=event.reason,
            ticket=event.ticket,
            next=f"lambdaops status {self._again(entry)}",
        )

    def _again(self, entry: Entry) -> str:
        """What another command is given to act in the same place."""
        name = name_of(entry.target)
        return f"{name} --env {self.environment}" if self.environment else name


def needs_journal(entry: Entry) -> bool:
    """Whether what is to be told of a record depends on those that other processes wrote."""
    match entry.event:
        case Resumed() | Closed(outcome=Outcome.ROLLED_BACK | Outcome.SUPERSEDED):
            return True
        case _:
            return False


def id_of(entry: Entry) -> str:
    """The same text for the same record, another for any other; the time tells those apart that no journal took."""
    return f"{entry.release}-{entry.at:%H%M%S%f}" if entry.seq is None else f"{entry.release}-{entry.seq}"


def without_urls(text: str) -> str:
    """The text without the URLs in it: AWS's words name endpoints."""
    return _URL.sub("[URL]", text)


def name_of(arn: str) -> str:
    """An alias as people write it: ``orders:live``."""
    return arn.split(":function:", 1)[-1]


def _found(entry: Entry, entries: Iterable[Entry]) -> Release | None:
    return next((release for release in releases(entries) if release.id == entry.release), None)


def _waits(state: State) -> str:
    """For what kind of word of a person the release waits; empty while it goes on by itself."""
    match state:
        case Held():
            return "held"
        case Awaiting():
            return "approval"
        case _:
            return ""


def _begun(release: Release, routing: Routing) -> str:
    candidate = release.plan.candidate
    stages = ", ".join(str(stage) for stage in release.plan.stages)
    return f"version {candidate} takes {percent(routing.share(candidate))} of the traffic; stages {stages}"


def _next_step(moment: Moment, again: str, state: State, stable: str) -> str:
    match moment, state:
        case Moment.HELD, Held(cause=Cause.STUCK):
            return f"ACT NOW: lambdaops rollback {again} --to {stable}"
        case Moment.HELD, Awaiting():
            return f"lambdaops promote {again}, or lambdaops rollback {again}"
        case Moment.HELD, _:
            return f"lambdaops resume {again}, or lambdaops rollback {again}"
        case Moment.PROMOTED, _:
            return f"undo: lambdaops rollback {again}"
        case _:
            return f"lambdaops status {again}"
