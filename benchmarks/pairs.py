"""Whole commands timed in turn, so that a machine that slows down slows both; ratios of the medians."""

from __future__ import annotations

import statistics
import subprocess
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def timed(command: Sequence[str], variables: Mapping[str, str]) -> float:
    """Seconds that a command takes as a process; it must succeed."""
    began = time.perf_counter()
    done = subprocess.run(command, env=dict(variables), capture_output=True, text=True, check=False)
    took = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr}")
    return took


def compare(
    commands: Mapping[str, Sequence[str]],
    variables: Mapping[str, str],
    runs: int,
    before_each: Callable[[], object] = lambda: None,
) -> dict[str, float]:
    """The median of each command over interleaved runs, after one run that does not count."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            before_each()
            took = timed(command, variables)
            if turn:
                times[name].append(took)
    return {name: statistics.median(values) for name, values in times.items()}


def report(medians: Mapping[str, float], base: str) -> None:
    """One line a command: its median and its ratio to the base."""
    for name, median in medians.items():
        print(f"{name:<34} {median * 1000:7.0f} ms   {median / medians[base]:5.2f} x {base}")
