"""Which records an auditor asks for.

Rules this file guarantees: a record belongs to the run (``release``) it was written in, and a run's ticket and outcome
are those of all its records; every condition that is given must hold; a text is found in any case, a name as it is.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from lambdaops.core.arns import is_playbook, resource_name
from lambdaops.core.dlq.records import Ending, RedriveClosed
from lambdaops.core.duration import parse_duration
from lambdaops.core.errors import InvalidDurationError, NotFoundError, UsageError
from lambdaops.core.events import Closed, Entry, Opened, Published, PublishFailed, RolledBack, kind_of
from lambdaops.core.halt.records import Halted, HaltOpened, Unhalted, UnhaltHeld
from lambdaops.core.playbook import records as playbook
from lambdaops.core.playbook.records import PlaybookClosed
from lambdaops.core.prune_records import PruneClosed
from lambdaops.core.states import BY_HAND, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_DAYS = re.compile(r"([0-9]{1,5})d")


OUTCOMES = tuple(
    dict.fromkeys(
        (
            *(outcome.value for outcome in Outcome),
            BY_HAND,
            *(ending.value for ending in Ending),
            "published",
            "publication failed",
            "pruned",
            "pruning stopped",
            "halted",
            "unhalted",
            "unhalt held",
            *(outcome.value for outcome in playbook.Outcome),
        )
    )
)
"""How a run can end, in the words of the records."""


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for; an empty text or None asks for nothing in particular.

    ``actor`` is found in ARN, host, CI run or commit; ``function`` is a function's or queue's name, or FUNCTION:ALIAS.
    """

    actor: str = ""
    function: str = ""
    since: datetime | None = None
    until: datetime | None = None
    release: str = ""
    outcome: str = ""
    ticket: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """A record, and what is known of its run."""

    entry: Entry
    ticket: str
    outcome: str


def is_of(arn: str, name: str) -> bool:
    """Whether a journal is one of ``name``: a function, one alias of it, a queue, a playbook, or its ARN; "" is all."""
    known = resource_name(arn)
    if is_playbook(arn):
        return name in ("", arn, known, known.removeprefix("playbook:"))
    function, _, alias = known.partition(":")
    return name in ("", arn, arn.removesuffix(f":{alias}"), known, function)


def no_journal(name: str, arns: Iterable[str]) -> NotFoundError:
    """The error for a name that none of these journals goes by: nothing found would read as nothing done."""
    known = sorted({said for arn in arns for said in (resource_name(arn), resource_name(arn).partition(":")[0])})
    folded = {said.lower(): said for said in known}
    bare = name.split(":", 5)[-1].removeprefix("function:") if name.startswith("arn:") else name
    near = [folded[said] for said in difflib.get_close_matches(bare.lower(), folded, n=3, cutoff=0.6)]
    meant = f"Did you mean {' or '.join(near)}? " if near else ""
    return NotFoundError(
        f"there is no journal of {name} here", hint=f"{meant}lambdaops audit list shows the journals there are."
    )


def select(query: Query, entries: Sequence[Entry]) -> tuple[Match, ...]:
    """The records of one journal that are asked for, in their order."""
    tickets, outcomes = _runs(entries)
    return tuple(
        Match(entry, tickets.get(entry.release, ""), outcomes.get(entry.release, ""))
        for entry in entries
        if _fits(query, entry, tickets.get(entry.release, ""), outcomes.get(entry.release, ""))
    )


def _runs(entries: Iterable[Entry]) -> tuple[dict[str, str], dict[str, str]]:
    tickets: dict[str, str] = {}
    outcomes: dict[str, str] = {}
    begun: set[str] = set()
    for entry in entries:
        if ticket := getattr(entry.event, "ticket", ""):
            tickets[entry.release] = ticket
        match entry.event:
            case Closed(outcome=outcome):
                outcomes[entry.release] = outcome.value
            case RedriveClosed(ending=ending):
                outcomes[entry.release] = ending.value
            case PlaybookClosed(outcome=ended):
                outcomes[entry.release] = ended.value
            case Opened():
                begun.add(entry.release)
            case RolledBack():
                # It ends what is open, whatever that still says of itself.
                outcomes |= dict.fromkeys(begun - outcomes.keys(), Outcome.SUPERSEDED.value)
                outcomes[entry.release] = BY_HAND
            case Published():
                outcomes[entry.release] = "published"
            case PublishFailed():
                outcomes[entry.release] = "publication failed"
            case PruneClosed(problem=problem):
                outcomes[entry.release] = "pruning stopped" if problem else "pruned"
            case HaltOpened() | Halted():
                outcomes[entry.release] = "halted"
            case UnhaltHeld():
                outcomes[entry.release] = "unhalt held"
            case Unhalted(over=True):
                outcomes[entry.release] = "unhalted"
            case _:
                pass
    return tickets, outcomes


def _fits(query: Query, entry: Entry, ticket: str, outcome: str) -> bool:
    who = (entry.actor.arn, entry.actor.host, entry.actor.run, entry.actor.commit)
    return (
        (query.since is None or entry.at >= query.since)
        and (query.until is None or entry.at < query.until)
        and query.release in ("", entry.release)
        and query.kind in ("", kind_of(entry.event))
        and (not query.ticket or query.ticket.lower() == ticket.lower())
        and (not query.outcome or _word(query.outcome) == _word(outcome))
        and (not query.actor or any(query.actor.lower() in one.lower() for one in who))
    )


def known_outcome(text: str) -> str | None:
    """The outcome that a text means, hyphens or blanks in it; None for none."""
    return next((outcome for outcome in OUTCOMES if _word(outcome) == _word(text)), None)


def _word(text: str) -> str:
    """``rolled-back`` is ``rolled back``."""
    return text.lower().replace("-", " ").strip()


def parse_moment(text: str, now: datetime, *, end: bool = False) -> datetime | None:
    """A time as people write it: a date, a date with a time (UTC unless it says otherwise), or how long ago.

    Args:
        text: ``2026-08-01``, ``2026-08-01T12:00``, ``2h``, ``90d``; empty is None.
        now: the current time.
        end: whether a date means its end.

    Raises:
        UsageError: none of these.
    """
    if not text:
        return None
    try:
        if days := _DAYS.fullmatch(text):
            return now - timedelta(days=int(days[1]))
        if text[:4].isdecimal() and "-" in text:
            moment = datetime.fromisoformat(text)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return moment + timedelta(days=1) if end and _DAY.fullmatch(text) else moment
        return now - parse_duration(text)
    except (ValueError, OverflowError, InvalidDurationError):
        raise UsageError(
            f"{text!r} is no time", hint="Write 2026-08-01, 2026-08-01T12:00, or how long ago: 2h, 90d."
        ) from None
