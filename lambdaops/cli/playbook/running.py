"""What ``playbook run`` and ``playbook resume`` do once their words are read."""

from __future__ import annotations

import json
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from lambdaops.cli.ask import Confirmation
from lambdaops.cli.notifying import ToldTo
from lambdaops.cli.options import OutputFormat
from lambdaops.cli.playbook.asking import Asked, inputs_again, ports_for, reach_for, request_of, where
from lambdaops.cli.playbook.loading import Library
from lambdaops.cli.releasing import interrupts
from lambdaops.cli.reply import Reply, telling
from lambdaops.core.codec import encode
from lambdaops.core.errors import PlaybookInProgressError, WrongAccountError
from lambdaops.core.notices import Progress
from lambdaops.core.playbook.records import Outcome
from lambdaops.core.settings import Confirm
from lambdaops.ops.playbook import runs
from lambdaops.ops.playbook.prepare import Request, planned, prepare
from lambdaops.ops.playbook.start import Ended, begin, edited_since, take_up
from lambdaops.render.playbooks import plan_text, run_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambdaops.cli.env import Env
    from lambdaops.cli.reach import Reach
    from lambdaops.core.playbook.plan import Place as Where
    from lambdaops.ops.playbook.runs import FoundRun
    from lambdaops.ports import Sink
    from lambdaops.ports.playbooks import PlaybookPorts


_LEFT = "left at once, with a step half done; lambdaops playbook status shows the run, and how it goes on"


def started(env: Env, asked: Asked, on_interrupt: str | None, output: OutputFormat) -> Reply:
    """A run from its plan to its end."""
    library = Library.of(env, asked.place)
    book = library.flawless(asked.playbook)
    reach = reach_for(env, asked.place)
    signals = interrupts(env, on_interrupt, _LEFT)
    with _telling(env, output, reach) as sink:
        ports = ports_for(env, reach, asked.place, library, sink, signals)
        reach.require_caller(ports)
        before = _done_before(env, ports, book.name)
        if before is not None:
            return _reply(reach, before)
        request = request_of(env, asked, library, book, reach, ports.identity.caller())
        prepared = prepare(ports, request)
        count = len(prepared.turns)
        steps = f"{count} step{'s' if count != 1 else ''}"
        sink.emit(Progress(env.clock.now(), f"{book.name}: {steps}, plan {prepared.plan.hash}"))
        unfinished = prepared.unfinished
        question = f"Go on with run {unfinished.id} of {book.name}?" if unfinished else f"Run {book.name} ({steps})?"
        _confirm(env, asked, reach, book.name, question)
        if unfinished is not None:
            return _reply(reach, take_up(ports, prepared, unfinished.id, asked.reason))
        return _reply(reach, begin(ports, prepared))


def rehearsed(env: Env, asked: Asked, output: OutputFormat) -> Reply:
    """Whether a run would begin, and what it would do; nothing is written."""
    library = Library.of(env, asked.place)
    book = library.flawless(asked.playbook)
    reach = reach_for(env, asked.place)
    with telling(env, output) as sink:
        ports = ports_for(env, reach, asked.place, library, sink, interrupts(env, None))
        reach.require_caller(ports)
        found = prepare(ports, request_of(env, asked, library, book, reach, ports.identity.caller()))
    data = encode(found.plan)
    assert isinstance(data, dict)  # noqa: S101 -- a dataclass encodes to an object
    return Reply(partial(plan_text, found.plan), {**data, "dry_run": True, "changed": False})


def resumed(env: Env, asked: Asked, on_interrupt: str | None, output: OutputFormat, *, edited: bool) -> Reply:
    """A run that nobody drives, from where it stopped to its end."""
    reach = reach_for(env, asked.place)
    found = runs.find(reach.journals(env), asked.playbook)
    if found.live and found.lease is not None:
        raise PlaybookInProgressError(
            f"run {found.run.id} is being driven by {found.lease.who}",
            hint=f"See it with lambdaops playbook status {found.run.id}.",
            target=found.run.id,
        )
    with _telling(env, output, reach) as sink:
        return _taken_up(env, asked, reach, found, sink, on_interrupt, edited=edited)


def _taken_up(
    env: Env, asked: Asked, reach: Reach, found: FoundRun, sink: Sink, on_interrupt: str | None, *, edited: bool
) -> Reply:
    library = Library.of(env, asked.place)
    book = library.begun_with(found.run)
    ports = ports_for(env, reach, asked.place, library, sink, interrupts(env, on_interrupt, _LEFT))
    reach.require_caller(ports)
    place = _same_place(env, reach, found, ports.identity.caller())
    if book.digest != found.run.digest and not edited:
        raise edited_since(found.run, f"{book.source} was edited since")
    said = found.run.said
    request = Request(
        book,
        inputs_again(book, found.run, asked.said()),
        library.uses,
        place,
        library.digests(book),
        said.reason,
        said.ticket,
        said.stop_alarms,
        said.approved,
        override=asked.excuse,
        repeat=asked.repeat,
        books=library.book,
    )
    prepared = planned(ports, request)
    _confirm(env, asked, reach, book.name, f"Go on with run {found.run.id} of {book.name}?")
    return _reply(reach, take_up(ports, prepared, found.run.id, asked.reason, edited=edited))


def _same_place(env: Env, reach: Reach, found: FoundRun, caller: str) -> Where:
    """Where the run began, which is where we are.

    Raises:
        WrongAccountError: we are elsewhere.
    """
    region, account = found.arn.split(":")[3:5]
    here = where(env, reach, caller)
    if (here.account, here.region) != (account, region):
        raise WrongAccountError(
            f"run {found.run.id} was begun in account {account}, {region}, and this is account {here.account}, "
            f"{here.region}",
            hint="Use the credentials and the region that it was begun with.",
            target=found.run.id,
        )
    if here.environment != found.run.said.environment:
        raise WrongAccountError(
            f"run {found.run.id} was begun in environment {found.run.said.environment or '(none)'}, and this is "
            f"{here.environment or '(none)'}",
            hint=f"Name it: --env {found.run.said.environment}." if found.run.said.environment else "Leave --env out.",
            target=found.run.id,
        )
    return here


def _done_before(env: Env, ports: PlaybookPorts, playbook: str) -> Ended | None:
    """The run that this very step of another playbook began, if it is over: its process may have died just then."""
    if not env.again:
        return None
    found = runs.ended_for(ports.journals, playbook, ports.run)
    return Ended(found) if found is not None else None


def _confirm(env: Env, asked: Asked, reach: Reach, name: str, question: str) -> None:
    typed = name if reach.settings.confirm is Confirm.TYPE_TARGET else ""
    Confirmation(env, asked.yes, typed, reach.where).confirm(question)


@contextmanager
def _telling(env: Env, output: OutputFormat, reach: Reach) -> Iterator[Sink]:
    """A line for each step in text, a JSON stream if asked; and the channels, where the run needs somebody."""
    with _shown(env, output) as shown, ToldTo(env, shown) as sink:
        if env.part is None:  # of a run that is a step of another, that one tells
            sink.tell(reach)
        yield sink


@contextmanager
def _shown(env: Env, output: OutputFormat) -> Iterator[Sink]:
    if output is OutputFormat.JSONL:
        with telling(env, output) as sink:
            yield sink
        return
    from lambdaops.render.playbook_lines import PlaybookLines

    lines = PlaybookLines(env.stderr, env.ci.dialect())
    try:
        yield env.ci.noting(lines)
    finally:
        lines.close()


def _reply(reach: Reach, ended: Ended) -> Reply:
    run = ended.run
    end = run.closed or run.held
    row = runs.row(run)
    data = {
        "run": run.id,
        "playbook": run.said.name,
        "outcome": run.closed.outcome.value if run.closed is not None else "held",
        "reason": end.reason if end is not None else "",
        "plan": run.plan,
        "steps": encode(row.steps),
        "outputs": json.loads(run.closed.outputs) if run.closed is not None else {},
        "changed": any(step.status != "skipped" for step in row.steps),
        "environment": reach.settings.environment,
        "next": [row.next_step] if run.open else [],
    }
    quiet = run.closed is not None and run.closed.outcome is Outcome.DONE
    return Reply(partial(run_text, row), data, ended.exit_code, None if quiet else ended.error)
