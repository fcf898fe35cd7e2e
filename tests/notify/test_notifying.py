"""The sink that tells channels: nothing waits for them, nobody is forgotten without a word."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.errors import InvalidFileError, LambdaOpsError, NotToldError
from lambdaops.core.events import Entry
from lambdaops.core.notices import Notice, Progress, Warned
from lambdaops.core.notifications import EVERY, Message, Moment, SlackChannel, Story
from lambdaops.core.states import Outcome
from lambdaops.notify.notifying import Notifying
from tests.core.machine_values import NOON
from tests.core.test_notifications import begun
from tests.core.test_replay import TENTH
from tests.core.test_replay import Story as Journal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from lambdaops.core.messages import Said

RELEASE = Journal().promotes("r-1", "1", "2").entries


@dataclass
class Fake:
    """A channel that takes messages, refuses them, or waits until ``free``."""

    told: list[Message] = field(default_factory=list)
    error: Exception | None = None
    free: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.free.set()

    def tell(self, message: Said) -> None:
        self.free.wait(20)
        assert isinstance(message, Message), "releases tell no notes"
        if self.error is not None:
            raise self.error
        self.told.append(message)

    @property
    def moments(self) -> list[str]:
        return [message.moment.value for message in self.told]


@dataclass
class Screen:
    notices: list[Notice] = field(default_factory=list)
    threads: set[int] = field(default_factory=set)

    def emit(self, notice: Notice) -> None:
        self.notices.append(notice)
        self.threads.add(threading.get_ident())

    @property
    def warnings(self) -> list[str]:
        return [notice.message for notice in self.notices if isinstance(notice, Warned)]


@dataclass
class Rig:
    """A sink with these channels; ``journal`` is what can be read, ``pauses`` what was waited for."""

    fakes: dict[SlackChannel, Fake]
    screen: Screen = field(default_factory=Screen)
    journal: list[Entry] = field(default_factory=list)
    broken: LambdaOpsError | None = None
    pauses: list[float] = field(default_factory=list)
    drain: float = 5

    def __post_init__(self) -> None:
        self.sink = Notifying(
            self.screen,
            list(self.fakes.items()),
            Story("prod"),
            self.read,
            lambda: NOON,
            pause=self.pauses.append,
            drain=self.drain,
        )

    def read(self, _: str) -> Iterable[Entry]:
        if self.broken is not None:
            raise self.broken
        return self.journal

    def run(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self.sink.emit(entry)
        self.sink.close()


def rig(*on: tuple[Moment, ...], drain: float = 5) -> Rig:
    channels = [SlackChannel(f"HOOK_{n}", moments) for n, moments in enumerate(on or (EVERY,))]
    return Rig({channel: Fake() for channel in channels}, drain=drain)


@pytest.fixture
def stuck() -> Iterator[Rig]:
    """Two channels, the first of which hangs."""
    made = rig(EVERY, EVERY, drain=0.05)
    next(iter(made.fakes.values())).free.clear()
    yield made
    for fake in made.fakes.values():
        fake.free.set()


def test_everything_goes_on_to_the_screen_and_moments_to_the_channels() -> None:
    made = rig()
    made.sink.emit(Progress(NOON, "uploading"))
    made.run(RELEASE)
    (fake,) = made.fakes.values()
    assert fake.moments == ["started", "promoted"]
    assert made.screen.notices == [Progress(NOON, "uploading"), *RELEASE]


def test_a_channel_is_told_what_it_asked_for() -> None:
    made = rig((Moment.PROMOTED,), (Moment.HELD, Moment.ROLLED_BACK), EVERY)
    made.run(RELEASE)
    assert [fake.moments for fake in made.fakes.values()] == [["promoted"], [], ["started", "promoted"]]


def test_one_that_refuses_is_warned_of_and_the_others_are_told() -> None:
    made = rig(EVERY, EVERY)
    bad, good = made.fakes.values()
    bad.error = NotToldError("slack (HOOK_0): it answered 404", hint="Make a new one.")
    made.run(RELEASE)
    assert good.moments == ["started", "promoted"]
    assert made.screen.warnings == [
        "not told that orders:live is started: slack (HOOK_0): it answered 404",
        "not told that orders:live is promoted: slack (HOOK_0): it answered 404",
    ]
    assert {notice.hint for notice in made.screen.notices if isinstance(notice, Warned)} == {"Make a new one."}
    assert made.screen.threads == {threading.get_ident()}


def test_a_defect_in_a_channel_is_no_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    made = rig()
    (fake,) = made.fakes.values()
    fake.error = RuntimeError("https://hooks.slack.com/services/secret")
    made.run(RELEASE)
    assert made.screen.warnings[0].endswith("slack (HOOK_0): a defect of lambdaops: RuntimeError")
    assert len(made.screen.warnings) == 2
    assert capfd.readouterr() == ("", "")


def test_one_that_hangs_holds_up_nobody(stuck: Rig) -> None:
    began = time.monotonic()
    stuck.run(RELEASE)
    assert time.monotonic() - began < 2
    slow, good = stuck.fakes.values()
    assert (slow.moments, good.moments) == ([], ["started", "promoted"])
    (warning,) = stuck.screen.warnings
    assert warning.startswith("slack (HOOK_0): 2 not told within 0.")
    assert warning.endswith(" s: orders:live is started, orders:live is promoted")


def test_one_that_is_too_far_behind_gets_no_more(stuck: Rig) -> None:
    journal = Journal()
    for number in range(30):
        journal.promotes(f"r-{number}", "1", "2")
    stuck.run(journal.entries)
    ours = [warning for warning in stuck.screen.warnings if "HOOK_0" in warning]
    assert len([warning for warning in ours if "it is 50 messages behind" in warning]) == 10
    assert "slack (HOOK_0): 50 not told within" in ours[-1]


def test_a_slow_one_is_waited_for(stuck: Rig) -> None:
    slow, _ = stuck.fakes.values()
    stuck.sink._drain = 10
    threading.Timer(0.05, slow.free.set).start()
    stuck.run(RELEASE)
    assert slow.moments == ["started", "promoted"]
    assert stuck.screen.warnings == []


def _ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def _ctrl_c_to_a_channel() -> None:
    """What a system may do that has a choice between threads."""
    thread = next(one for one in threading.enumerate() if one.name.startswith("notify "))
    signal.pthread_kill(thread.ident or 0, signal.SIGINT)


@pytest.mark.parametrize("press", [_ctrl_c, _ctrl_c_to_a_channel])
def test_ctrl_c_ends_the_waiting_and_nothing_else(stuck: Rig, press: Callable[[], None]) -> None:
    stuck.sink._drain = 10
    # A shell gives what it runs in the background no Ctrl-C.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    began = time.monotonic()
    threading.Timer(0.2, press).start()
    try:
        stuck.run(RELEASE)
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - began < 5
    assert "slack (HOOK_0): 2 not told within 0." in stuck.screen.warnings[0]


def test_the_patience_is_for_all_channels_together() -> None:
    made = rig(*[EVERY] * 6, drain=0.2)
    for fake in made.fakes.values():
        fake.free.clear()
    began = time.monotonic()
    made.run(RELEASE)
    assert time.monotonic() - began < 0.9
    assert len(made.screen.warnings) == 6
    for fake in made.fakes.values():
        fake.free.set()


def test_closing_with_nothing_to_tell_takes_no_time_and_no_thread() -> None:
    before = threading.active_count()
    made = rig(EVERY, EVERY)
    made.run([])
    assert threading.active_count() == before
    assert made.pauses == []


def test_no_room_for_a_thread_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    made = rig()
    made.run(RELEASE)
    assert len(made.screen.warnings) == 2
    assert "no thread could be started" in made.screen.warnings[0]


# -- what the journal says -----------------------------------------------------------------------------------------


def test_a_rollback_that_is_recorded_while_the_process_ends_is_told_by_its_own() -> None:
    whole = begun().closes("r-1", Outcome.SUPERSEDED)
    late = begun().rolled_back(TENTH, "1").closes("r-1", Outcome.SUPERSEDED)
    made = rig()
    made.journal = whole.entries
    for entry in whole.entries:
        made.sink.emit(entry)
    made.journal = late.entries
    made.sink.close()
    (fake,) = made.fakes.values()
    assert fake.moments == ["started"]
    assert made.pauses == [2.0]


def test_a_rollback_by_hand_is_told_by_the_release() -> None:
    whole = begun().closes("r-1", Outcome.SUPERSEDED)
    made = rig()
    made.journal = whole.entries
    made.run(whole.entries)
    (fake,) = made.fakes.values()
    assert fake.moments == ["started", "rolled-back"]


def test_a_journal_that_cannot_be_read_is_warned_of() -> None:
    whole = begun().closes("r-1", Outcome.ROLLED_BACK)
    made = rig()
    made.broken = InvalidFileError("it is gone")
    made.run(whole.entries)
    (fake,) = made.fakes.values()
    assert fake.moments == ["started", "rolled-back"]
    assert made.screen.warnings == ["what channels are told of r-1 may be wrong: it is gone"]


HANGING = """
import threading, sys
from lambdaops.core.notifications import SlackChannel, Story
from lambdaops.notify.notifying import Notifying
from tests.core.test_replay import Story as Journal
from tests.core.machine_values import NOON

class Hangs:
    def tell(self, message):
        threading.Event().wait()

class Screen:
    def emit(self, notice):
        pass

sink = Notifying(Screen(), [(SlackChannel("HOOK"), Hangs())], Story(), lambda arn: (), lambda: NOON, drain=0.1)
for entry in Journal().promotes("r-1", "1", "2").entries:
    sink.emit(entry)
sink.close()
sys.exit(4)
"""


def test_a_channel_that_hangs_for_ever_cannot_keep_the_process() -> None:
    done = subprocess.run([sys.executable, "-c", HANGING], capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (4, "")
