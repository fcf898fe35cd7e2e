"""The table of every fault on every AWS call: ``python -m tests.wire.faults [WORD...]`` runs them and prints it."""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from lambdaops.sandbox import server as sandbox
from tests.wire.bench import run_all
from tests.wire.injected import FAULTS, cases

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.wire.bench import Came


def table(came: Iterable[Came]) -> str:
    """Markdown: a row per call, a column per fault; in it ``once / lasting``, each the exit code and the alias."""
    came = list(came)
    found = {(each.case.call, each.case.fault.name, each.case.lasting): each for each in came}
    lines = [
        "| call | " + " | ".join(fault.name for fault in FAULTS) + " |",
        "|---|" + "---|" * len(FAULTS),
    ]
    calls = dict.fromkeys(each.case.call for each in came)
    for call in calls:
        cells = []
        for fault in FAULTS:
            both = [str(found[key]) for lasting in (False, True) if (key := (call, fault.name, lasting)) in found]
            cells.append(" / ".join(dict.fromkeys(both)))
        lines.append(f"| {call} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def report(words: list[str]) -> None:
    """Run every case that has all these words in its name, and print the table."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = sandbox.start(directory)
        stack.callback(sandbox.stop, server)
        chosen = [case for case in cases() if all(word in str(case) for word in words)]
        came = run_all(server, directory, chosen)
        print(table(came.values()))  # noqa: T201 -- what it is for


if __name__ == "__main__":
    report(sys.argv[1:])
