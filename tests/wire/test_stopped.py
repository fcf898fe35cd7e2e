"""A rollback beside a release that is stopped (SIGSTOP, a laptop's lid) at any of its journal appends, and wakes later.

What the release was about to do it does after the rollback, on a revision of before: nothing of it may take effect.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lambdaops.core.events import Landed
from lambdaops.core.model import Routing
from lambdaops.store.files import FileJournals
from tests.wire.bench import without_pauses
from tests.wire.conftest import Clients, Shell, make_function
from tests.wire.killed import Moment
from tests.wire.killing import BACK, FORWARD, AtAppend, Bench, Scene
from tests.wire.proxy import wire_to

if TYPE_CHECKING:
    from lambdaops.sandbox.server import Server

APPENDS = {FORWARD: 12, BACK: 8}
"""As far as there is something left to do."""
CASES = {
    f"{scene}-{number}-{moment}": (scene, AtAppend(number, moment))
    for scene, count in APPENDS.items()
    for number in range(1, count + 1)
    for moment in ((Moment.AFTER, Moment.WRITTEN) if number % 4 == 3 else (Moment.AFTER,))
}


@dataclass(frozen=True)
class Came:
    """What came of it: exit codes of the rollback and of the release, the alias after each."""

    back: int
    between: Routing
    release: int
    alias: Routing
    out: dict[str, Any]
    err: str
    kinds: list[str]
    moved: list[Routing]
    verified: int


def stopped(bench: Bench, scene: str, at: AtAppend) -> Came:
    here, words, _ = bench.scene(scene)
    journal = FileJournals(here / "home").open(f"{bench.function.arn}:live")
    with wire_to(bench.server.endpoint) as wire:
        shell = Shell(bench.server, wire, here / "home")
        wire.watch = Scene(wire, bench.function, scene).alarm
        program = (sys.executable, "-m", "tests.wire.killed", "SIGSTOP")
        process = subprocess.Popen(
            [*program, str(at.number), at.moment.value, *words, "--output", "json"],
            env=shell.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
            assert process.poll() is None, "it ended before it stopped"
            back = ("rollback", bench.function.target)
            before = len(journal.read().entries)
            code, _, err = bench.command(wire, here, back, ahead=timedelta(minutes=1))
            between = bench.alias()
        finally:
            process.send_signal(signal.SIGCONT)
        out, told = process.communicate(timeout=60)
        alias = bench.alias()
        verified, *_ = bench.command(wire, here, ("audit", "verify"), ahead=timedelta())
    entries = journal.read().entries
    kinds = [type(entry.event).__name__ for entry in entries]
    landed = [entry.event.routing for entry in entries[before:] if isinstance(entry.event, Landed)]
    moved = [routing for routing in landed if routing != Routing("1")]
    out_of_it = json.loads(out)
    return Came(code, between, process.returncode, alias, out_of_it, f"{err}\n{told}", kinds, moved, verified)


@pytest.fixture(scope="module")
def outcomes(
    request: pytest.FixtureRequest, server: Server, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Came]:
    names = {item.callspec.params.get("name") for item in request.session.items if hasattr(item, "callspec")}
    chosen = [name for name in CASES if name in names]
    benches: queue.SimpleQueue[Bench] = queue.SimpleQueue()
    for number in range(4):
        function = make_function(Clients(server), f"stopped{number}")
        function.alarm()
        benches.put(Bench(server, function, tmp_path_factory.mktemp("stopped")))

    def run(name: str) -> Came:
        bench = benches.get()
        try:
            return stopped(bench, *CASES[name])
        finally:
            benches.put(bench)

    with without_pauses(), ThreadPoolExecutor(4) as pool:
        return dict(zip(chosen, pool.map(run, chosen), strict=True))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", CASES)
def test_a_rollback_beside_a_stopped_release(outcomes: dict[str, Came], name: str) -> None:
    came = outcomes[name]
    scene, at = CASES[name]
    assert came.between == Routing("1"), came
    assert came.back == 0, came
    assert came.moved == [], f"it moved traffic forward after a rollback: {came}"
    assert came.alias == Routing("1"), came
    assert "Traceback" not in came.err
    assert came.verified == 0
    ended = came.release, came.out["data"]["outcome"]
    # In the last appends it has had its last look: it was promoted, and rolled back by somebody after that. Before the
    # first write it was called off, or finds that its write came too late.
    expected = {(7, "superseded"), (4, "rolled back")}
    if scene == FORWARD and at.number >= 11:
        expected.add((0, "promoted"))
    if at.number <= 3:
        expected |= {(3, "refused"), (7, "held (drift)")}
    assert ended in expected, came
