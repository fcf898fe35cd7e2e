"""What is to become of a letter: where it goes and as what, or why it stays.

Rules this file guarantees: what is newer than the run is never moved by it; a letter that nobody asked for stays; one
that has nowhere to go, or that nobody would take, goes to the quarantine queue if there is one and stays if not.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lambdaops.core.dlq.dead import decode
from lambdaops.core.dlq.letter import MAX_BYTES, Attribute, Outgoing
from lambdaops.core.dlq.packing import problem, problem_async
from lambdaops.core.dlq.plan import RedrivePlan
from lambdaops.core.dlq.route import Nowhere, ToFunction, ToQueue, ToStream, outgoing, route
from lambdaops.core.dlq.view import document
from lambdaops.core.errors import InvalidExpressionError

if TYPE_CHECKING:
    from lambdaops.core.dlq.dead import Dead
    from lambdaops.core.dlq.letter import Letter


class Why(enum.Enum):
    """Why a letter stays."""

    NEWER = "newer than the run"
    FILTER = "does not match the filter"
    AGE = "not of the age that was asked for"
    EDIT = "not in the file of edits"
    UNROUTABLE = "has nowhere to go"
    UNSENDABLE = "cannot be sent"
    BEHIND = "behind one of its group that stays"

    @property
    def asked_for(self) -> bool:
        """Whether it was meant and stays all the same."""
        return self in (Why.UNROUTABLE, Why.UNSENDABLE, Why.BEHIND)


@dataclass(frozen=True, slots=True)
class Go:
    """Send it; ``quarantine`` says why it does not go where it should."""

    where: ToQueue | ToFunction | ToStream
    outgoing: Outgoing = field(repr=False)
    quarantine: str = ""

    @property
    def to(self) -> str:
        """What the journal calls the place: a queue's ARN, or a function's with its qualifier."""
        return name_of(self.where)


@dataclass(frozen=True, slots=True)
class Stay:
    """Leave it; ``request`` is the invocation that failed, for one that may have come back."""

    why: Why
    detail: str = ""
    request: str = ""


Fate = Go | Stay


def name_of(where: ToQueue | ToFunction | ToStream) -> str:
    """A queue's ARN, or a function with its qualifier."""
    return where.arn if isinstance(where, ToQueue) else f"{where.function}:{where.qualifier}"


@dataclass(frozen=True, slots=True)
class Edit:
    """What a message is to be instead."""

    body: str = field(repr=False)
    attributes: Mapping[str, Attribute] = field(repr=False)


@dataclass(frozen=True)
class Fates:
    """Decides for every letter of one run.

    Attributes:
        plan: the run's plan.
        to: where everything goes; None: letter by letter.
        sources: ARNs of the queues whose dead-letter queue this is.
        alias: the alias that the configuration gives for a function, or nothing.
        keep: the filter, or None; may raise InvalidExpressionError for a letter.
        shape: the transformation, or None; may raise the same.
        edits: by message id, or None.
        largest: how many bytes each queue takes, where less than SQS's own limit.
    """

    plan: RedrivePlan
    to: ToQueue | ToFunction | None = None
    sources: tuple[str, ...] = ()
    alias: Callable[[str], str | None] = lambda _: None
    keep: Callable[[Mapping[str, object]], bool] | None = None
    shape: Callable[[Mapping[str, object]], str] | None = None
    edits: Mapping[str, Edit] | None = None
    largest: Mapping[str, int] = field(default_factory=dict)

    def of(self, letter: Letter) -> Fate:
        """What becomes of it."""
        plan = self.plan
        if letter.sent >= plan.before:
            return Stay(Why.NEWER, request=decode(letter).request)
        if plan.older_than is not None and letter.sent > plan.before - plan.older_than:
            return Stay(Why.AGE)
        if plan.newer_than is not None and letter.sent <= plan.before - plan.newer_than:
            return Stay(Why.AGE)
        if self.edits is not None:
            edit = self.edits.get(letter.id)
            if edit is None:
                return Stay(Why.EDIT)
            letter = replace(letter, body=edit.body, attributes=edit.attributes)
        dead = decode(letter)
        seen = document(letter, dead, plan.before) if self.keep or self.shape else {}
        try:
            if self.keep is not None and not self.keep(seen):
                return Stay(Why.FILTER)
            body = self.shape(seen) if self.shape is not None else None
        except InvalidExpressionError as error:
            return self._aside(letter, Why.UNSENDABLE, error.message)
        return self._sent(letter, dead, body)

    def stranded(self, letter: Letter, why: str) -> Fate:
        """What becomes of a letter whose destination turned out to be gone."""
        return self._aside(letter, Why.UNROUTABLE, why)

    def _sent(self, letter: Letter, dead: Dead, body: str | None) -> Fate:
        where = route(letter, dead, self.to, self.sources, self.alias, shaped=body is not None)
        if isinstance(where, Nowhere):
            return self._aside(letter, Why.UNROUTABLE, where.why + (f". {where.hint}" if where.hint else ""))
        if isinstance(where, ToQueue) and where.arn == self.plan.queue:
            return self._aside(letter, Why.UNROUTABLE, "it would be sent to the queue that it is in")
        message = outgoing(letter, dead, where, body)
        said = ""
        if isinstance(where, ToQueue):
            largest = self.largest.get(where.arn, MAX_BYTES)
            said = problem(message, fifo=where.arn.endswith(".fifo"), largest=largest)
        elif isinstance(where, ToFunction):
            said = problem_async(message.body)
        return self._aside(letter, Why.UNSENDABLE, said) if said else Go(where, message)

    def _aside(self, letter: Letter, why: Why, detail: str) -> Fate:
        """Into the quarantine queue as it is, or nowhere."""
        if not self.plan.quarantine:
            return Stay(why, detail)
        where = ToQueue(self.plan.quarantine)
        message = outgoing(letter, decode(letter), where, None)
        said = problem(message, fifo=self.plan.quarantine.endswith(".fifo"))
        if said:
            return Stay(why, f"{detail}; nor can it be quarantined: {said}")
        return Go(where, message, quarantine=f"{why.value}: {detail}")
