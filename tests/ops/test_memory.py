"""A long release needs no more memory than a short one."""

from __future__ import annotations

import gc
import os
import tracemalloc
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from lambdaops.core.comparison import parse_comparisons
from lambdaops.core.errors import ExitCode
from lambdaops.core.metric_gates import parse_metric
from lambdaops.core.model import FULL
from lambdaops.core.notices import Looked, Notice
from lambdaops.core.plan import Stage
from lambdaops.ops import release as op
from lambdaops.render.lines import Lines
from lambdaops.store.files import FileJournals
from tests.sim.rig import TARGET, Rig, plan_of

MINUTE = timedelta(minutes=1)
EARLY, LATE = 40, 160  # looks
ALLOWED = 48 * 1024  # to keep what was read of every minute would take three times as much


@dataclass
class Scale:
    """A sink that weighs the process at these looks."""

    shown: Lines
    at: tuple[int, ...]
    looks: int = 0
    weights: list[int] = field(default_factory=list)

    def emit(self, notice: Notice) -> None:
        self.shown.emit(notice)
        if isinstance(notice, Looked):
            self.looks += 1
            if self.looks in self.at:
                gc.collect()
                self.weights.append(tracemalloc.get_traced_memory()[0])


def test_memory_does_not_grow_with_the_length_of_a_release(tmp_path: Path) -> None:
    rig = Rig()
    rig.world.traffic.rate = 1_000
    rig.world.traffic.bad = {"1": 0.01, "2": 0.01}
    rig.world.traffic.moved = _Forgetful()
    rig.world.measured["backlog"] = lambda at: float(at.minute)
    plan = replace(
        plan_of(stages=(Stage(1_000, 170 * MINUTE), Stage(FULL, 10 * MINUTE)), alarms=()),
        comparisons=parse_comparisons("errors,throttles,latency:800ms"),
        metrics=(parse_metric("backlog: [AWS/SQS Age Maximum] > 300"),),
        look_every=MINUTE,
    )
    rig.world.calls = _Forgetful()
    rig.world.clock.slept = _Forgetful()
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        scale = Scale(Lines(nowhere), (EARLY, LATE))
        ports = replace(rig.ports, journals=FileJournals(tmp_path), sink=scale)
        tracemalloc.start()
        try:
            ended = op.release(ports, op.Request(TARGET, plan))
        finally:
            tracemalloc.stop()
    assert ended is not None
    assert ended.exit_code is ExitCode.DONE
    early, late = scale.weights
    assert late - early < ALLOWED, f"{late - early} bytes more after {LATE - EARLY} looks"


class _Forgetful(list):  # type: ignore[type-arg]
    """The simulated world's own records, which are no part of what is weighed."""

    def append(self, item: object) -> None:
        self[:] = [*self[-3:], item]
