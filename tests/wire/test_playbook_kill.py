"""A playbook killed from outside at any moment and resumed: every effect once, and the journal explains every step.

``PLAYBOOK_SEED=7 pytest -m wire tests/wire/test_playbook_kill.py`` draws other moments; every message names its own.
``-m "wire and not exhaustive"`` kills at a few of them, as every change does.
"""

from __future__ import annotations

import itertools
import os
import queue
import random
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.events import Entry
from lambdaops.core.playbook.records import Outcome, Status, StepBegan, StepEnded
from lambdaops.core.playbook.run import Run, runs
from lambdaops.sandbox.server import Server
from lambdaops.store.files import FileJournals
from tests.wire.conftest import Clients, Function, Shell, make_function
from tests.wire.killed import Moment
from tests.wire.proxy import Wire, wire_to
from tests.wire.test_dlq_redrive import Pair

if TYPE_CHECKING:
    from collections.abc import Mapping


SEED = int(os.environ.get("PLAYBOOK_SEED", "1"))
GOOD, BAD = "good", "bad"
"""A run to its end; one whose last step fails, so that the release is taken back."""
APPENDS = {GOOD: 26, BAD: 30}
"""How many records each writes at least when nobody disturbs it, in all its journals."""
RANDOM = 12
LETTERS = 4
NEVER = 10_000
_LIFE = 60.0
SHIP = """\
version: 1
name: ship
inputs:
  target: {{type: target}}
  queue: {{type: queue}}
  end: {{allowed: [good, bad]}}
steps:
  - id: ship
    uses: release
    with: {{target: "${{{{ inputs.target }}}}", to: "2", alarm: {alarm}, strategy: "10%:1s,100%:1s", look-every: 1s}}
    compensate: {{uses: rollback, with: {{target: "${{{{ inputs.target }}}}"}}}}
  - id: drain
    uses: dlq.redrive
    with: {{queue: "${{{{ inputs.queue }}}}", workers: 1, stages: all, watch: 1s, visibility: 30s, native: false}}
  - id: call
    uses: invoke
    with: {{target: "${{{{ inputs.target }}}}", payload: {{n: 1}}}}
  - id: quiet
    uses: wait-for
    with: {{alarms: [{alarm}], for: 2s}}
  - id: enough
    uses: assert
    with: {{that: "${{{{ inputs.end == 'good' }}}}", message: it is not}}
"""


@dataclass(frozen=True)
class AtAppend:
    """Dies by its own hand, around the append of this number, counted over all journals."""

    number: int
    moment: Moment

    def __str__(self) -> str:
        return f"{self.number}-{self.moment}"


@dataclass(frozen=True)
class AtRandom:
    """Is killed a while after it started."""

    seed: int

    @property
    def delay(self) -> float:
        return random.Random(self.seed).uniform(0.5, 4.0)

    def __str__(self) -> str:
        return f"random-{self.seed}"


@dataclass(frozen=True)
class Case:
    end: str
    kill: AtAppend | AtRandom

    def __str__(self) -> str:
        return f"{self.end}-{self.kill}"


@dataclass
class Came:
    """What came of a case; ``told`` are the exits and words of everybody who drove it."""

    case: Case
    run: Run
    entries: tuple[Entry, ...]
    alias: tuple[str, dict[str, float]]
    dead: int
    home: int
    calls: int
    repeated: bool
    versions: int
    verified: int
    torn: bool
    killed: bool
    told: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        kinds = [f"{type(one.event).__name__} {getattr(one.event, 'step', '')}" for one in self.entries]
        return "\n".join([f"{self.case}: {self.case.kill!r}", str(kinds), *self.told])


def _cases() -> Iterator[Case]:
    for end, count in APPENDS.items():
        for number, moment in itertools.product(range(1, count + 1), Moment):
            yield Case(end, AtAppend(number, moment))
        for number in range(RANDOM):
            yield Case(end, AtRandom(SEED * 1000 + number))


CASES = {str(case): case for case in _cases()}
_DRAWN = random.Random(SEED)
SAMPLE = {
    *_DRAWN.sample([name for name in CASES if "random" not in name], 7),
    *_DRAWN.sample([name for name in CASES if "random" in name], 2),
}


@dataclass
class Bench:
    """A function of its own, on which runs are killed one after another."""

    server: Server
    function: Function
    directory: Path
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def run(self, case: Case) -> Came:
        here = self.directory / f"{self.function.name}-{next(self.numbers)}"
        (here / "playbooks").mkdir(parents=True)
        alarm = f"{self.function.name}-errors"
        (here / "playbooks" / "ship.yaml").write_text(SHIP.format(alarm=alarm), "utf-8")
        self.function.settle()
        self.function.point("1")
        pair = Pair(self.function.clients, ".fifo")
        pair.fill(LETTERS)
        given = {"target": self.function.target, "queue": pair.dead, "end": case.end}
        begin = ("playbook", "run", "ship", "--yes", *(f"--input={name}={value}" for name, value in given.items()))
        told: list[str] = []
        with wire_to(self.server.endpoint) as wire:
            code, err = self._drive(here, wire, begin, case.kill)
            killed = code == -signal.SIGKILL
            told.append(f"killed {killed}, exit {code}: {err}")
            repeated = False
            for ahead in range(1, 6):
                found = runs(self.entries(here))
                if found and not found[-1].open:
                    break
                words = ("playbook", "resume", "ship", "--yes") if found else begin
                again = ("--repeat",) if "may happen twice" in told[-1] else ()
                repeated = repeated or bool(again)
                code, err = self._drive(here, wire, (*words, *again), None, ahead)
                told.append(f"exit {code}: {err}")
            calls = sum("Invoke" in name for name in wire.calls)
            verified = self._drive(here, wire, ("audit", "verify"), None)[0]
        journals = FileJournals(here / "home")
        return Came(
            case,
            runs(self.entries(here))[-1],
            self.entries(here),
            self.function.alias(),
            pair.count(pair.dead_url),
            pair.count(pair.home_url),
            calls,
            repeated,
            len(self.function.clients("lambda").list_versions_by_function(FunctionName=self.function.name)["Versions"]),
            verified,
            any(journals.open(arn).read().torn for arn in journals.targets()),
            killed,
            told,
        )

    def entries(self, here: Path) -> tuple[Entry, ...]:
        journals = FileJournals(here / "home")
        arns = [arn for arn in journals.targets() if arn.endswith(":playbook:ship")]
        return journals.open(arns[0]).read().entries if arns else ()

    def _drive(
        self, here: Path, wire: Wire, words: tuple[str, ...], kill: AtAppend | AtRandom | None, ahead: int = 0
    ) -> tuple[int, str]:
        number, moment = (kill.number, kill.moment) if isinstance(kill, AtAppend) else (NEVER, Moment.AFTER)
        shell = Shell(self.server, wire, here / "home", {"KILLED_AHEAD": str(60 * ahead)})
        program = ("tests.wire.killed", "SIGKILL", str(number), moment.value)
        process = subprocess.Popen(
            [sys.executable, "-m", *program, *words],
            env={**shell.environment(), "PYTHONPATH": os.getcwd()},  # noqa: PTH109 -- as the child has it
            cwd=here,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            with suppress(subprocess.TimeoutExpired):
                process.wait(kill.delay if isinstance(kill, AtRandom) else _LIFE)
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            _, err = process.communicate(timeout=_LIFE)
        finally:
            process.kill()
            process.wait()
        return process.returncode, err


@pytest.fixture(scope="module")
def outcomes(
    request: pytest.FixtureRequest, server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Came | str]:
    """Those of the cases that were asked for, some side by side."""
    names = {item.callspec.params.get("name") for item in request.session.items if hasattr(item, "callspec")}
    chosen = [case for name, case in CASES.items() if name in names]
    benches: queue.SimpleQueue[Bench] = queue.SimpleQueue()
    directory = tmp_path_factory.mktemp("played")
    for number in range(3):
        function = make_function(Clients(server), f"played{number}")
        function.alarm()
        for service in ("sqs", "lambda"):  # made here: boto3 does not make two at a time
            function.clients(service)
        benches.put(Bench(server, function, directory))

    def run(case: Case) -> Came | str:
        bench = benches.get()
        try:
            return bench.run(case)
        except Exception:  # noqa: BLE001 -- whatever it is, the test of this case tells it
            return f"{case}: {case.kill!r}\n{traceback.format_exc()}"
        finally:
            benches.put(bench)

    with ThreadPoolExecutor(3) as pool:
        return dict(zip(map(str, chosen), pool.map(run, chosen), strict=True))


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in SAMPLE else pytest.mark.exhaustive) for name in CASES]
)
def test_a_kill(outcomes: Mapping[str, Came | str], name: str) -> None:
    came = outcomes[name]
    assert isinstance(came, Came), came
    told = str(came)
    assert "Traceback" not in told, told
    assert came.killed or isinstance(came.case.kill, AtRandom), f"it did not come so far\n{told}"
    good = came.case.end == GOOD
    assert came.run.closed is not None, told
    assert came.run.closed.outcome is (Outcome.DONE if good else Outcome.UNDONE), told
    assert came.alias == ("2" if good else "1", {}), told
    assert (came.dead, came.home) == (0, LETTERS), told
    # A call whose end nobody knows is made again only because a person said so: the first one may have gone out.
    assert came.calls in ((1, 2) if came.repeated else (1,)), told
    assert came.versions == 3, told
    assert came.verified == (2 if came.torn else 0), told
    _explained(came, told)


def _explained(came: Came, told: str) -> None:
    """Every step ended as often as it was begun, the last time for good, and nothing was begun after it was done."""
    done: set[tuple[str, bool]] = set()
    begun: dict[tuple[str, bool], int] = {}
    for entry in came.entries:
        match entry.event:
            case StepBegan(step=step, attempt=attempt, undo=undo):
                assert (step, undo) not in done, told
                assert attempt == begun.get((step, undo), 0) + 1, told
                begun[step, undo] = attempt
            case StepEnded(step=step, attempt=attempt, status=status, undo=undo):
                assert attempt == begun[step, undo], told
                if status is Status.DONE:
                    done.add((step, undo))
            case _:
                pass
    wanted = {("ship", False), ("drain", False), ("call", False), ("quiet", False)}
    wanted |= {("enough", False)} if came.case.end == GOOD else {("ship", True)}
    assert done == wanted, told


def test_an_undisturbed_run_writes_so_many_records(outcomes: Mapping[str, Came | str]) -> None:
    """The table goes as far as the runs do: every kill at an append found that append (``test_a_kill``)."""
    last = CASES[f"{BAD}-{APPENDS[BAD]}-{Moment.AFTER}"]
    if str(last) not in outcomes:
        pytest.skip("not asked for")
    came = outcomes[str(last)]
    assert isinstance(came, Came), came
    assert came.killed, str(came)
