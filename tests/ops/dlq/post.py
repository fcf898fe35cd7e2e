"""A queue in memory, and everything around it that work on dead letters needs; time moves when somebody waits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from lambdaops.core.dlq.letter import Attribute, Batch, Letter, Outgoing, Queue, Refused
from lambdaops.core.errors import ConfirmationMissingError, LambdaOpsError, NotFoundError, QueueFullError
from lambdaops.core.notices import Notice
from lambdaops.core.states import Signal
from lambdaops.ports.queues import DeadLetterPorts
from tests.sim.clock import SimClock
from tests.sim.journal import SimJournals

if TYPE_CHECKING:
    from collections.abc import Sequence

ACCOUNT = "111122223333"
_REMEMBERED = timedelta(minutes=5)


def arn(name: str) -> str:
    return f"arn:aws:sqs:eu-central-1:{ACCOUNT}:{name}"


@dataclass
class Lying:
    """A letter in a queue: when it is to be seen again, and the handle of its last receive."""

    letter: Letter
    visible: datetime
    handle: str = ""


@dataclass
class Box:
    """A queue."""

    name: str
    letters: list[Lying] = field(default_factory=list)
    max_receives: int = 0
    dead_letters: str = ""
    in_flight: int = 120_000
    retention: timedelta = timedelta(days=4)
    dedup: dict[str, datetime] = field(default_factory=dict)


@dataclass
class Post:
    """Implements Queues, Signals, Sink, Ask and Identity."""

    clock: SimClock = field(default_factory=SimClock)
    boxes: dict[str, Box] = field(default_factory=dict)
    journals: SimJournals = field(default_factory=SimJournals)
    notices: list[Notice] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    refuses: bool = False
    asked: tuple[Signal, str] | None = None
    listening: bool = False
    on_call: Callable[[str], None] | None = None
    refuse_send: set[str] = field(default_factory=set)
    refuse_delete: set[str] = field(default_factory=set)
    account: str = ACCOUNT
    _made: int = 0
    _fail: dict[str, list[tuple[LambdaOpsError, bool]]] = field(default_factory=dict)

    @property
    def ports(self) -> DeadLetterPorts:
        nothing: Any = None
        self.listening = False
        return DeadLetterPorts(
            self.clock,
            self,
            self,
            nothing,
            nothing,
            nothing,
            nothing,
            self,
            self.journals,
            self,
            self,
            "laptop",
            "",
            "lambdaops test",
        )

    # -- verbs -----------------------------------------------------------------------------------------------------

    def box(self, name: str, **about: Any) -> Box:
        return self.boxes.setdefault(name, Box(name, **about))

    def put(self, name: str, *letters: Letter) -> None:
        """Letters lie in a queue, in this order, each with an id of its own unless it has one already."""
        box = self.box(name)
        for one in letters:
            box.letters.append(Lying(one, self.clock.now()))

    def write(self, name: str, count: int, body: str = "letter {}") -> None:
        """So many letters lie in a queue."""
        self.put(name, *(self.letter(body.format(number)) for number in range(count)))

    def letter(self, body: str, attributes: dict[str, Attribute] | None = None, **about: Any) -> Letter:
        self._made += 1
        about = {"sent": self.clock.now(), "receives": 0, "id": f"m-{self._made:04}", **about}
        return Letter(handle="", body=body, attributes=attributes or {}, **about)

    def bodies(self, name: str) -> list[str]:
        return [one.letter.body for one in self.box(name).letters]

    def visible(self, name: str) -> int:
        return sum(one.visible <= self.clock.now() for one in self.box(name).letters)

    def fail(self, call: str, error: LambdaOpsError, times: int = 1, *, after: bool = False) -> None:
        """The next calls of this operation fail, before or after they took effect."""
        self._fail.setdefault(call, []).extend([(error, after)] * times)

    # -- Queues ----------------------------------------------------------------------------------------------------

    def find(self, queue: str) -> Queue:
        self._call("find")
        name = queue.rpartition("/")[2].rpartition(":")[2]
        if name not in self.boxes:
            raise NotFoundError(f"queue {name} does not exist")
        box = self.boxes[name]
        visible = self.visible(name)
        return Queue(
            f"https://sqs.eu-central-1.amazonaws.com/{self.account}/{name}",
            arn(name).replace(ACCOUNT, self.account),
            visible,
            len(box.letters) - visible,
            0,
            box.retention,
            timedelta(seconds=30),
            self.clock.now(),
            box.dead_letters,
            box.max_receives,
        )

    def sources(self, queue: Queue) -> tuple[str, ...]:
        return tuple(arn(box.name) for box in self.boxes.values() if box.dead_letters == queue.arn)

    def receive(self, queue: Queue, at_most: int, hidden: timedelta, wait: timedelta) -> tuple[Letter, ...]:
        assert 1 <= at_most <= 10
        later = self._call("receive")
        box = self._box(queue)
        now = self.clock.now()
        if sum(one.visible > now for one in box.letters) >= box.in_flight:
            raise QueueFullError("too many letters are in flight")
        found: list[Letter] = []
        for one in [lying for lying in box.letters if lying.visible <= now]:
            if len(found) == at_most:
                break
            if box.max_receives and one.letter.receives >= box.max_receives:
                box.letters.remove(one)
                self.put(box.dead_letters.rpartition(":")[2], one.letter)
                continue
            self._made += 1
            one.handle, one.visible = f"r-{self._made}", now + hidden
            one.letter = replace(one.letter, receives=one.letter.receives + 1, handle=one.handle)
            found.append(one.letter)
        self.clock.advance(timedelta(milliseconds=10) if found else wait)
        if later is not None:
            raise later
        return tuple(found)

    def send(self, queue: Queue, messages: Sequence[Outgoing]) -> Batch:
        assert 1 <= len(messages) <= 10
        later = self._call("send")
        box = self._box(queue)
        taken = []
        for one in messages:
            if one.id in self.refuse_send:
                continue
            taken.append(one.id)
            if one.deduplication is not None:
                before = box.dedup.get(one.deduplication)
                if before is not None and self.clock.now() < before + _REMEMBERED:
                    continue
                box.dedup[one.deduplication] = self.clock.now()
            self.put(
                box.name,
                self.letter(
                    one.body, dict(one.attributes), group=one.group, deduplication=one.deduplication, trace=one.trace
                ),
            )
        if later is not None:
            raise later
        refused = tuple(Refused(one.id, "InternalError", "", fault=False) for one in messages if one.id not in taken)
        return Batch(tuple(taken), refused, tuple(f"new-{one}" for one in taken))

    def delete(self, queue: Queue, letters: Sequence[Letter]) -> Batch:
        assert 1 <= len(letters) <= 10
        later = self._call("delete")
        box = self._box(queue)
        taken = []
        for one in letters:
            if one.id not in self.refuse_delete:
                box.letters = [lying for lying in box.letters if lying.handle != one.handle]
                taken.append(one.id)
        if later is not None:
            raise later
        return Batch(
            tuple(taken),
            tuple(Refused(one.id, "InternalError", "", fault=False) for one in letters if one.id not in taken),
        )

    def hide(self, queue: Queue, letters: Sequence[Letter], hidden: timedelta) -> Batch:
        assert 1 <= len(letters) <= 10
        later = self._call("hide")
        now = self.clock.now()
        handles = {one.handle: one.id for one in letters}
        done = []
        for lying in self._box(queue).letters:
            if lying.handle in handles and lying.visible > now:
                lying.visible = now + hidden
                done.append(handles[lying.handle])
        if later is not None:
            raise later
        return Batch(
            tuple(done),
            tuple(Refused(one.id, "MessageNotInflight", "", fault=True) for one in letters if one.id not in done),
        )

    def purge(self, queue: Queue) -> None:
        self._call("purge")
        self._box(queue).letters.clear()

    def _box(self, queue: Queue) -> Box:
        if queue.name not in self.boxes:
            raise NotFoundError(f"queue {queue.name} does not exist")
        return self.boxes[queue.name]

    def _call(self, name: str) -> LambdaOpsError | None:
        """Note the call; fail it now, or give the error to fail it with when it took effect."""
        self.calls.append(name)
        if self.on_call is not None:
            self.on_call(name)
        waiting = self._fail.get(name)
        if not waiting:
            return None
        error, after = waiting.pop(0)
        if not after:
            raise error
        return error

    # -- Signals, Sink, Ask, Identity --------------------------------------------------------------------------------

    def listen(self) -> None:
        self.listening = True

    def pending(self) -> tuple[Signal, str] | None:
        return self.asked

    def emit(self, notice: Notice) -> None:
        self.notices.append(notice)

    def confirm(self, question: str) -> None:
        assert not self.listening, "a prompt that Ctrl-C cannot leave"
        self.questions.append(question)
        if self.refuses:
            raise ConfirmationMissingError("nobody said yes")

    def caller(self) -> str:
        return f"arn:aws:sts::{self.account}:assumed-role/dev/ada"
