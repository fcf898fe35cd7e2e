"""The table of every fault on every AWS call: ``python -m tests.wire.faults [WORD...]`` runs them and prints it."""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from lambdaops.sandbox import server as sandbox
from tests.wire.bench import run_all
from tests.wire.injected import cases
from tests.wire.proxy import ANY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.wire.bench import Came


def table(came: Iterable[Came]) -> str:
    """Markdown: a row per call, a column per fault; in it ``once / lasting``, each the exit code and the alias."""
    came = list(came)
    found = {(each.case.call, each.case.fault.name, each.case.lasting): str(each) for each in came}
    calls = list(dict.fromkeys(each.case.call for each in came))
    faults = list(dict.fromkeys(each.case.fault.name for each in came))
    rows = [
        [str(call), *(_cell(found.get((call, fault, False)), found.get((call, fault, True))) for fault in faults)]
        for call in calls
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in (["call", *faults], ["---"] * (len(faults) + 1), *rows))


def _cell(once: str | None, lasting: str | None) -> str:
    return " / ".join(dict.fromkeys(each for each in (once, lasting) if each))


def report(words: list[str]) -> None:
    """Run every case that has all these words in its name, and print the table."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = sandbox.start(directory)
        stack.callback(sandbox.stop, server)
        chosen = [case for case in cases() if all(word in str(case) for word in words)]
        came = run_all(server, directory, chosen)
        for together in (False, True):
            some = [each for each in came.values() if (each.case.call.operation == ANY) is together]
            if some:
                print(table(some), end="\n\n")  # noqa: T201 -- what it is for


if __name__ == "__main__":
    report(sys.argv[1:])
