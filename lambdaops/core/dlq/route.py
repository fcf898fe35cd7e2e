"""Where a dead letter goes, and as what.

Rules this file guarantees: what is not certainly meant for a function is never routed to one; a letter that goes to a
queue keeps its body to the byte, its attributes, trace and group; a function gets the event that it had failed with,
never the envelope around it; which version of a function runs is a person's choice, the failed invocation's alias or
the configured one, never ``$LATEST`` or a number that a record happens to name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambdaops.core.dlq.dead import Dead, Kind, StreamBatch, split_function
from lambdaops.core.dlq.letter import Letter, Outgoing
from lambdaops.core.dlq.naming import queue_name
from lambdaops.core.dlq.notification import function_event
from lambdaops.core.errors import InvalidQueueError, InvalidTargetError
from lambdaops.core.model import LATEST, parse_function

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class ToQueue:
    """Send it to this queue."""

    arn: str

    def __str__(self) -> str:
        return self.arn.rpartition(":")[2]


@dataclass(frozen=True, slots=True)
class ToFunction:
    """Invoke this function (a name or an ARN without qualifier) asynchronously by this alias or version."""

    function: str
    qualifier: str

    def __str__(self) -> str:
        return f"{_name(self.function)}:{self.qualifier}"


@dataclass(frozen=True, slots=True)
class ToStream:
    """Fetch the records again and invoke the function with them, waiting for the outcome so that order is kept."""

    function: str
    qualifier: str
    batch: StreamBatch

    def __str__(self) -> str:
        return f"{_name(self.function)}:{self.qualifier}"


@dataclass(frozen=True, slots=True)
class Nowhere:
    """It cannot go anywhere; ``hint`` is what would change that."""

    why: str
    hint: str = ""


Route = ToQueue | ToFunction | ToStream | Nowhere


@dataclass(frozen=True, slots=True)
class Destination:
    """What ``--to`` says: a queue as it was named (name, URL or ARN), or a function by an alias or version."""

    queue: str = ""
    function: ToFunction | None = None


_QUALIFIER = re.compile(r"[a-zA-Z0-9_-]{1,128}|\$LATEST")


def is_queue_arn(text: str) -> bool:
    """Whether the text is the ARN of an SQS queue."""
    if not text.startswith("arn:"):
        return False
    try:
        queue_name(text)
    except InvalidQueueError:
        return False
    return True


def parse_destination(text: str) -> Destination:
    """Read ``--to``: a queue's name, URL or ARN, or ``FUNCTION:ALIAS`` or its ARN.

    Raises:
        InvalidQueueError: neither.
        InvalidTargetError: a function without an alias, or a name that cannot be one.
    """
    function, qualifier = split_function(text)
    if not function and ":" in text and "://" not in text and not text.startswith("arn:"):
        function, _, qualifier = text.partition(":")
        parse_function(function)
    if not function:
        queue_name(text)
        return Destination(queue=text)
    if not _QUALIFIER.fullmatch(qualifier):
        raise InvalidTargetError(
            f"{text!r} names no alias: which version runs has to be said",
            hint=f"Write FUNCTION:ALIAS, for instance {_name(function)}:live.",
        )
    return Destination(function=ToFunction(function, qualifier))


def route(
    letter: Letter,
    dead: Dead,
    to: ToQueue | ToFunction | None,
    sources: tuple[str, ...],
    alias: Callable[[str], str | None],
    *,
    shaped: bool = False,
) -> Route:
    """Where the letter goes.

    Args:
        letter: as received; ``dead`` is what ``decode`` made of it.
        dead: see there.
        to: what the command line says, a queue by its ARN; None infers it letter by letter.
        sources: ARNs of the queues whose dead-letter queue this is.
        alias: the alias that the configuration gives for a function's name, or nothing.
        shaped: a transformation or an edit makes the event, so that it is not what is in the letter.
    """
    if isinstance(to, ToQueue):
        return to
    if isinstance(to, ToFunction):
        return _to_function(dead, to, shaped)
    match dead.kind:
        case Kind.QUEUE:
            return ToQueue(letter.source) if letter.source else _home(sources)
        case Kind.FUNCTION:
            return Nowhere(
                "a function's dead-letter queue does not say which function", hint="Name it: --to FUNCTION:ALIAS."
            )
        case Kind.DESTINATION | Kind.STREAM:
            found = _chosen(dead, alias)
            return found if isinstance(found, Nowhere) else _to_function(dead, found, shaped)
        case Kind.RULE:
            return _to_target(dead, alias)
        case Kind.TOPIC:
            return Nowhere(
                f"a notification of topic {_name(dead.origin)} does not say whom it was for",
                hint="Name it: --to QUEUE or --to FUNCTION:ALIAS.",
            )
        case Kind.BUS:
            return Nowhere(
                "the record of a custom event bus has the ids of the events, not the events",
                hint="Send the events again from where they came from, or move the records: --to QUEUE.",
            )
        case Kind.UNKNOWN:
            return _home(sources)


def outgoing(letter: Letter, dead: Dead, where: ToQueue | ToFunction | ToStream, body: str | None) -> Outgoing:
    """What to send there: ``body`` where a transformation or an edit made one, else what was received.

    A FIFO queue deduplicates by the dead message's id: sent twice within five minutes, it is delivered once. Its group
    is the letter's, or one of its own. To a stream's function the records are still to be fetched; the body is empty.
    """
    fifo = isinstance(where, ToQueue) and where.arn.endswith(".fifo")
    if body is None:
        match where:
            case ToQueue():
                body = letter.body
            case ToFunction():
                body = function_event(letter.body) if dead.kind is Kind.TOPIC else dead.payload or ""
            case ToStream():
                body = ""
    return Outgoing(
        letter.id,
        body,
        letter.attributes,
        group=letter.group or (letter.id if fifo else None),
        deduplication=letter.id if fifo else None,
        trace=letter.trace,
    )


def _home(sources: tuple[str, ...]) -> Route:
    """The queue whose dead letters these are, when there is exactly one."""
    if len(sources) == 1:
        return ToQueue(sources[0])
    if sources:
        return Nowhere(
            f"nothing says which of {len(sources)} queues it came from ({', '.join(_name(one) for one in sources)})",
            hint="Name it: --to QUEUE.",
        )
    return Nowhere(
        "it is of no kind that says where it came from, and this is no queue's dead-letter queue",
        hint="Look at it with dlq inspect, then name where it goes: --to QUEUE.",
    )


def _to_function(dead: Dead, to: ToFunction, shaped: bool) -> Route:
    match dead.kind:
        case Kind.UNKNOWN:
            return Nowhere("it is of no kind that we know, and no function is invoked with a guess")
        case Kind.BUS:
            return Nowhere("the record of a custom event bus has the ids of the events, not the events")
        case Kind.QUEUE:
            return Nowhere(
                "it is a queue's message: only an event source mapping heeds which messages a function gives back",
                hint="Send it to the queue that the function reads: --to QUEUE.",
            )
        case Kind.STREAM:
            if dead.batch is None:
                return Nowhere("the record does not say which records of the stream failed")
            return ToStream(to.function, to.qualifier, dead.batch)
        case Kind.TOPIC if dead.wraps is not None and not shaped:
            return Nowhere(
                f"the notification holds another failure record ({dead.wraps.value}), not an event",
                hint="Say with --transform what of it is the event.",
            )
        case Kind.DESTINATION if dead.payload is None and not shaped:
            return Nowhere("the record came without the event, as Lambda leaves it out when it is too large")
        case Kind.FUNCTION | Kind.DESTINATION | Kind.RULE | Kind.TOPIC:
            return to


def _to_target(dead: Dead, alias: Callable[[str], str | None]) -> Route:
    """To the target that EventBridge could not deliver to."""
    if is_queue_arn(dead.origin):
        return ToQueue(dead.origin)
    if dead.function:
        return _chosen(dead, alias)
    return Nowhere(
        f"the rule's target is neither a queue nor a function ({dead.origin or 'not said'})",
        hint="Name where it goes: --to QUEUE or --to FUNCTION:ALIAS.",
    )


def _chosen(dead: Dead, alias: Callable[[str], str | None]) -> ToFunction | Nowhere:
    """The function by the alias of the failed invocation, or by the one that the configuration gives."""
    named = dead.qualifier not in {"", LATEST} and not dead.qualifier.isdigit()
    name = _name(dead.function)
    qualifier = dead.qualifier if named else alias(name)
    if qualifier:
        return ToFunction(dead.function, qualifier)
    as_what = "without an alias" if dead.qualifier in {"", LATEST} else f"as version {dead.qualifier}"
    return Nowhere(
        f"{name} was invoked {as_what}, and no alias of it is configured",
        hint=f"Name it: --to {name}:ALIAS, or as alias of {name} in lambdaops.yaml.",
    )


def _name(arn: str) -> str:
    return arn.rpartition(":")[2]
