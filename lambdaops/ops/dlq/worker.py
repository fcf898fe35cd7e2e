"""One worker of a redrive, as a generator of what it wants done: it can be stopped, and killed, between any two calls.

Rules this file guarantees: nothing is sent that the desk did not grant; a message whose time runs out is given back,
not sent; one that stays stops those of its group behind it; whatever is in hand when the run stops is given back.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from lambdaops.core.dlq.fate import Fates, Go, Stay, Why
from lambdaops.core.dlq.letter import Letter
from lambdaops.core.dlq.talk import Grant, Kept, Leave, Receive, Rest, Trouble, Turn, Wanted
from lambdaops.core.errors import LambdaOpsError, QueueFullError
from lambdaops.ops.dlq.deeds import Deed, Sleep, Take, Work, trouble
from lambdaops.ops.dlq.delivery import Delivery
from lambdaops.ops.dlq.keeping import Keeping

if TYPE_CHECKING:
    from lambdaops.core.dlq.records import Sent


@dataclass
class _Hand:
    """What one order brought: letters in the order received, what becomes of each, and until when they are hidden."""

    letters: dict[str, Letter]
    going: dict[str, Go]
    until: datetime

    def kept(self, names: Sequence[str]) -> list[tuple[datetime, Letter]]:
        return [(self.until, self.letters[name]) for name in names]


@dataclass
class Worker:
    """Receives, sends and deletes as the desk says.

    Attributes:
        number: its number in the run.
        fates: what becomes of letters.
        now: the clock.
    """

    number: int
    fates: Fates
    now: Callable[[], datetime]
    _keeping: Keeping = field(init=False)
    _gone: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._keeping = Keeping(self.fates.plan.visibility, self.now)

    def work(self) -> Work:
        """Everything it does, call by call; what is sent in is what came of the call, an error is thrown in."""
        turn = Turn(self.number)
        while not isinstance(order := (yield turn), Leave):
            match order:
                case Receive():
                    turn = yield from self._receive(order)
                case Rest(lasts=lasts, keep=keep):
                    if not keep:
                        yield from self._keeping.give_ready()
                    yield from self._keeping.renew()
                    yield Sleep(lasts)
                    turn = self._turn()
                case _:
                    raise AssertionError(f"the desk answered {order!r}")
        yield from self._keeping.give_all()
        yield Turn(self.number, left=True)

    def _receive(self, order: Receive) -> Generator[Deed, object, Turn]:
        if not order.peek:
            yield from self._keeping.give_ready()
        yield from self._keeping.renew()
        began = self.now()
        visibility = self.fates.plan.visibility
        try:
            letters = yield Take(order.at_most, visibility, order.wait)
        except QueueFullError:
            gave = yield from self._keeping.give_half()
            return self._turn(trouble=None if gave else Trouble("queue-full", "too many messages are in flight"))
        except LambdaOpsError as error:
            return self._turn(trouble=trouble(error))
        assert isinstance(letters, tuple)  # noqa: S101 -- the shell's promise
        return (yield from self._handle(_Hand({}, {}, began + visibility), letters))

    def _handle(self, hand: _Hand, letters: Sequence[Letter]) -> Generator[Deed, object, Turn]:
        kept = self._sort(hand, letters)
        self._keeping.held += hand.kept([one.id for one in kept])
        if not hand.going:
            return self._turn(received=len(letters), kept=kept)
        wanted = tuple(Wanted(name, fate.to, fate.quarantine) for name, fate in hand.going.items())
        grant = yield self._turn(received=len(letters), wanted=wanted, kept=kept)
        assert isinstance(grant, Grant)  # noqa: S101 -- the desk's promise
        return (yield from self._carry_out(hand, grant))

    def _sort(self, hand: _Hand, letters: Sequence[Letter]) -> tuple[Kept, ...]:
        """Take letters in hand, with what becomes of each; those that stay."""
        kept = []
        blocked: set[str] = set()
        for letter in letters:
            hand.letters[letter.id] = letter
            fate = self._fate(letter)
            if isinstance(fate, Go) and self._is_behind(letter, blocked):
                fate = Stay(Why.BEHIND)
            if isinstance(fate, Go):
                hand.going[letter.id] = fate
                continue
            if fate.why.asked_for and letter.group and self.fates.plan.fifo:
                blocked.add(letter.group)
            kept.append(Kept(letter.id, fate.why, fate.detail, fate.request))
        return tuple(kept)

    def _fate(self, letter: Letter) -> Go | Stay:
        fate = self.fates.of(letter)
        if isinstance(fate, Go) and fate.to in self._gone:
            return self.fates.stranded(letter, f"{fate.to} does not exist any more")
        return fate

    def _is_behind(self, letter: Letter, blocked: set[str]) -> bool:
        return self.fates.plan.fifo and letter.group is not None and letter.group in blocked

    def _carry_out(self, hand: _Hand, grant: Grant) -> Generator[Deed, object, Turn]:
        plan = self.fates.plan
        granted = {name for batch in grant.batches for name in batch.ids}
        self._keeping.held += hand.kept(grant.keep)
        rest = [name for name in hand.going if name not in granted and name not in grant.keep]
        if grant.later:
            self._keeping.ready += hand.kept(rest)
        groups = {hand.letters[name].group for name in hand.going if name not in granted} if plan.fifo else set()
        latest = hand.until - plan.visibility / 4
        delivery = Delivery(
            hand.letters,
            hand.going,
            min(latest, grant.until) if grant.until is not None else latest,
            hand.until,
            plan.fifo,
            self.now,
            self._gone,
            {group for group in groups if group},
        )
        for batch in grant.batches:
            yield from delivery.deliver(batch)
        back = [] if grant.later else rest
        back += [name for name, failure in delivery.failures.items() if not failure.sent]
        yield from self._keeping.give_back(hand.kept(back))
        return self._turn(ended=tuple(delivery.ended), refused=tuple(delivery.refused), trouble=delivery.trouble)

    def _turn(
        self,
        *,
        received: int | None = None,
        wanted: tuple[Wanted, ...] = (),
        kept: tuple[Kept, ...] = (),
        ended: tuple[Sent, ...] = (),
        refused: tuple[tuple[str, str], ...] = (),
        trouble: Trouble | None = None,
    ) -> Turn:
        back, self._keeping.back = self._keeping.back, 0
        return Turn(
            self.number,
            received,
            wanted,
            kept,
            ended,
            refused,
            held=len(self._keeping.held),
            ready=len(self._keeping.ready),
            back=back,
            trouble=trouble,
        )
