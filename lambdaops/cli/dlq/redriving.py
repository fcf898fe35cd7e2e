"""What ``dlq redrive`` and ``dlq resume`` do once their words are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lambdaops.cli.aim import journals_at
from lambdaops.cli.dlq.aim import QueueReach, aim_at_queue
from lambdaops.cli.dlq.signals import stopping
from lambdaops.cli.options import OutputFormat, Place
from lambdaops.cli.reply import Reply, telling
from lambdaops.core.codec import encode
from lambdaops.core.dlq.fate import Edit, Fates, name_of
from lambdaops.core.dlq.native import unfit
from lambdaops.core.dlq.plan import RedrivePlan, default_workers, parse_rate, parse_share, parse_stages
from lambdaops.core.dlq.records import Ending, Wish
from lambdaops.core.dlq.route import ToFunction, ToQueue, parse_destination
from lambdaops.core.duration import parse_duration
from lambdaops.core.errors import BlockedError, ExitCode, RejectedError, UsageError
from lambdaops.core.notices import Progress
from lambdaops.ops.dlq import native, runs
from lambdaops.ops.dlq.redrive import Prepared, Redriven, Request, ended_before, prepare, redrive, require_clear
from lambdaops.ops.dlq.rehearse import rehearse
from lambdaops.render.redrives import ended_text, messages, rehearsal_text, summary

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambdaops.cli.env import Env
    from lambdaops.ports import Sink
    from lambdaops.ports.queues import DeadLetterPorts


@dataclass(frozen=True)
class Asked:
    """The words of a command line, not yet understood; None where nothing was said."""

    queue: str
    place: Place
    to: str | None
    filter: str
    transform: str
    edit: Path | None
    older_than: str | None
    newer_than: str | None
    limit: int
    quarantine: str | None
    rate: str | None
    stages: str
    watch: str | None
    workers: int | None
    visibility: str
    native: bool | None
    stop_alarms: tuple[str, ...]
    max_reentry: str
    resend: bool
    sample: int
    reason: str
    ticket: str
    yes: bool

    def plan(self, edits: Edits) -> RedrivePlan:
        """The plan as far as it is known without AWS.

        Raises:
            UsageError: one of many; each says which word is wrong.
        """
        if self.transform and self.edit is not None:
            raise UsageError("--transform and --edit exclude each other", hint="Give one of them.")
        rate = parse_rate(self.rate) if self.rate else None
        visibility = parse_duration(self.visibility)
        if not _SHORTEST <= visibility.total_seconds() <= _LONGEST:
            raise UsageError(
                f"a visibility of {self.visibility} is not between 30s and 12h",
                hint="Shorter, and messages come back while they are sent; longer, and SQS refuses it.",
            )
        plan = RedrivePlan(
            "",
            filter=self.filter,
            transform=self.transform,
            edit=edits.digest,
            rate=rate,
            stages=parse_stages(self.stages),
            stop_alarms=self.stop_alarms,
            max_reentry=parse_share(self.max_reentry),
            limit=self.limit,
            older_than=parse_duration(self.older_than) if self.older_than else None,
            newer_than=parse_duration(self.newer_than) if self.newer_than else None,
            visibility=visibility,
            watch=parse_duration(self.watch) if self.watch else RedrivePlan("").watch,
        )
        return replace(plan, workers=self.workers or default_workers(plan))


_SHORTEST, _LONGEST = 30, 12 * 3600


@dataclass(frozen=True)
class Again:
    """The words of ``dlq resume``."""

    run: str
    place: Place
    edit: Path | None
    reason: str
    resend: bool
    yes: bool


@dataclass(frozen=True)
class Edits:
    """The messages of ``--edit``, and the SHA-256 of their file; empty without one."""

    digest: str = ""
    by_id: Mapping[str, Edit] | None = None

    @classmethod
    def read(cls, path: Path | None) -> Edits:
        """Read the file.

        Raises:
            InvalidFileError: it cannot be read, or a line is no letter.
        """
        if path is None:
            return cls()
        from lambdaops.ops.dlq.edits import read_edits

        return cls(*read_edits(path))


def redriven(env: Env, asked: Asked, output: OutputFormat) -> Reply:
    """The redrive, from its first look to its end."""
    edits = Edits.read(asked.edit)
    plan = asked.plan(edits)
    _expressions(plan)  # before anything is asked of AWS
    reach = aim_at_queue(env, asked.queue, asked.place, writes=True)
    reach.require_reason(asked.reason)
    with _showing(env, output) as sink:
        ports = reach.dead_letters(env, sink, yes=asked.yes, signals=stopping(env, _LEFT))
        before = ended_before(ports, reach.find(ports)) if env.again else None
        if before is not None:
            return _reply(reach, before)
        request, prepared = _prepared(env, ports, reach, asked, plan, edits)
        require_clear(prepared)
        by_sqs, why = _native(asked.native, prepared)
        sink.emit(Progress(env.clock.now(), f"{prepared.plan.name}: {summary(replace(prepared.plan, native=by_sqs))}"))
        if why and asked.native is None:
            sink.emit(Progress(env.clock.now(), f"not by SQS's own move: {why}"))
        for finding in prepared.findings:
            sink.emit(Progress(env.clock.now(), f"warning: {finding.message}"))
        if prepared.unfinished is None:
            _confirm(ports, prepared)
        ended = _moved(ports, prepared, request, sink, by_sqs=by_sqs, insists=asked.native is True)
    return _reply(reach, ended)


_LEFT = "what is in hand comes back when its visibility timeout is over, and the redrive stays open in the journal"


def rehearsed(env: Env, asked: Asked, output: OutputFormat) -> Reply:
    """What a redrive would do; nothing is written."""
    edits = Edits.read(asked.edit)
    plan = asked.plan(edits)
    _expressions(plan)
    reach = aim_at_queue(env, asked.queue, asked.place, writes=True)
    with telling(env, output) as sink:
        ports = reach.dead_letters(env, sink, yes=True, signals=stopping(env, "the sample comes back by itself"))
        request, prepared = _prepared(env, ports, reach, asked, plan, edits)
        error: BlockedError | None = None
        try:
            require_clear(prepared)
        except BlockedError as blocked:
            error = blocked
        fates = request.fates(prepared.plan, request.to, prepared.sources)
        _, why = _native(asked.native, prepared)
        found = rehearse(ports, prepared, fates, asked.sample, blocked=error is not None, native=why)
    data = encode(found)
    assert isinstance(data, dict)  # noqa: S101 -- a dataclass encodes to an object
    code = error.exit_code if error is not None else ExitCode.DONE
    return Reply(partial(rehearsal_text, found), {**data, "dry_run": True, "changed": False}, code, error)


def resumed(env: Env, again: Again, output: OutputFormat) -> Reply:
    """A redrive that was paused goes on; one that nobody drives is taken up here."""
    found = runs.find(journals_at(env, again.place), again.run)
    reach = aim_at_queue(env, found.arn, again.place, writes=True)
    edits = Edits.read(again.edit)
    plan = found.run.plan
    if plan.edit != edits.digest:
        raise UsageError(
            f"redrive {found.run.id} was planned with {'another file of edits' if edits.digest else 'a file of edits'}"
            if plan.edit
            else f"redrive {found.run.id} was planned without edits",
            hint="Give the same file: --edit FILE." if plan.edit else "Leave --edit out.",
        )
    with _showing(env, output) as sink:
        ports = reach.dead_letters(env, sink, yes=again.yes, signals=stopping(env, _LEFT))
        if found.live:
            run = runs.ask(ports, found, Wish.RESUME, again.reason)
            data = {"run": run.id, "queue": run.plan.queue, "signal": "resume", "phase": "going on", "changed": True}
            return Reply(f"redrive {run.id} of {run.plan.name} goes on", data)
        queue = reach.find(ports)
        to = _placed(ports, plan.to) if plan.to else None
        request = Request(
            plan, _fates(env, again.place, reach, edits), to, again.reason, resend=again.resend, watch=plan.watch
        )
        prepared = prepare(ports, queue, request)
        require_clear(prepared)
        sink.emit(Progress(env.clock.now(), f"{plan.name}: {summary(plan)}, {messages(found.run.moved)} moved before"))
        ended = _moved(ports, prepared, request, sink, by_sqs=plan.native, insists=True)
    return _reply(reach, ended)


# -- from words to values ----------------------------------------------------------------------------------------------


def _prepared(
    env: Env, ports: DeadLetterPorts, reach: QueueReach, asked: Asked, plan: RedrivePlan, edits: Edits
) -> tuple[Request, Prepared]:
    queue = reach.find(ports)
    to = _placed(ports, asked.to) if asked.to else None
    aside = ports.queues.find(asked.quarantine).arn if asked.quarantine else ""
    plan = replace(plan, to=name_of(to) if to is not None else "", quarantine=aside)
    request = Request(
        plan,
        _fates(env, asked.place, reach, edits),
        to,
        asked.reason,
        asked.ticket,
        resend=asked.resend,
        watch=plan.watch if asked.watch else None,
    )
    return request, prepare(ports, queue, request)


def _placed(ports: DeadLetterPorts, text: str) -> ToQueue | ToFunction:
    """Where ``--to`` leads.

    Raises:
        InvalidQueueError, InvalidTargetError: it is neither a queue nor a function by an alias.
        NotFoundError, AwsError: the queue is not there.
    """
    parsed = parse_destination(text)
    return parsed.function if parsed.function is not None else ToQueue(ports.queues.find(parsed.queue).arn)


def _expressions(
    plan: RedrivePlan,
) -> tuple[Callable[[Mapping[str, object]], bool] | None, Callable[[Mapping[str, object]], str] | None]:
    if not plan.filter and not plan.transform:
        return None, None
    from lambdaops.query.expression import compile_filter, compile_transform

    keep = compile_filter(plan.filter) if plan.filter else None
    return keep, compile_transform(plan.transform) if plan.transform else None


def _fates(
    env: Env, place: Place, reach: QueueReach, edits: Edits
) -> Callable[[RedrivePlan, ToQueue | ToFunction | None, tuple[str, ...]], Fates]:
    def fates(plan: RedrivePlan, to: ToQueue | ToFunction | None, sources: tuple[str, ...]) -> Fates:
        keep, shape = _expressions(plan)
        alias = _aliases(env, place, reach)
        return Fates(plan, to, sources, alias, keep=keep, shape=shape, edits=edits.by_id)

    return fates


def _aliases(env: Env, place: Place, reach: QueueReach) -> Callable[[str], str | None]:
    """The alias that the configuration gives for a function."""
    from lambdaops.cli.aim import load

    config = load(env, place)
    if config is None:
        return lambda _: None
    from lambdaops.config.resolve import resolve

    known: dict[str, str | None] = {}

    def alias(function: str) -> str | None:
        if function not in known:
            known[function] = resolve(config, reach.settings.environment, function, None).settings.alias
        return known[function]

    return alias


def _native(asked: bool | None, prepared: Prepared) -> tuple[bool, str]:
    """Whether SQS itself moves them, and why not.

    Raises:
        UsageError: it was asked for, and cannot do what else was asked for.
    """
    if prepared.unfinished is not None:
        return prepared.unfinished.plan.native, ""
    why = unfit(prepared.plan, prepared.sources)
    if asked is False:
        return False, "it was not wanted"
    if asked and why:
        raise UsageError(f"--native: {why}", hint="Leave --native out, or what it cannot do.")
    return not why, why


def _confirm(ports: DeadLetterPorts, prepared: Prepared) -> None:
    plan = prepared.plan
    ports.ask.confirm(f"Redrive {plan.name}: {summary(plan)}?")


def _moved(
    ports: DeadLetterPorts, prepared: Prepared, request: Request, sink: Sink, *, by_sqs: bool, insists: bool
) -> Redriven:
    if not by_sqs:
        return redrive(ports, prepared, request)
    try:
        ended = native.move(ports, prepared, request)
    except RejectedError as error:
        if insists:
            raise
        sink.emit(Progress(ports.clock.now(), f"SQS does not move them ({error.message}): doing it here"))
    else:
        # A letter that SQS itself did not bury ends its task, as one of a function's destination does.
        if insists or ended.run.closed is None or ended.run.closed.ending is not Ending.PARTLY:
            return ended
        sink.emit(Progress(ports.clock.now(), f"{ended.run.closed.reason}: doing the rest here"))
    return redrive(ports, prepare(ports, prepared.queue, request), request)


# -- telling -----------------------------------------------------------------------------------------------------------


@contextmanager
def _showing(env: Env, output: OutputFormat) -> Iterator[Sink]:
    """A bar on a terminal, lines elsewhere, a JSON stream if asked."""
    if output is OutputFormat.JSONL:
        with telling(env, output) as sink:
            yield sink
    elif output is OutputFormat.TEXT and env.stderr.isatty() and env.variables.get("TERM") != "dumb":
        from lambdaops.render.redriving import RedriveBar

        with RedriveBar(env.stderr, env.variables) as bar:
            yield env.ci.noting(bar)
    else:
        from lambdaops.render.redriving import RedriveLines

        yield env.ci.noting(RedriveLines(env.stderr, env.ci.dialect()))


def _reply(reach: QueueReach, ended: Redriven) -> Reply:
    run = ended.run
    end = run.closed or run.held
    assert end is not None  # noqa: S101 -- it has ended
    data = {
        "queue": run.plan.queue,
        "run": run.id,
        "outcome": run.closed.ending.value if run.closed is not None else "held",
        "reason": end.reason,
        "tally": encode(end.tally),
        "places": dict(ended.told.places),
        "problems": [encode(problem) for problem in ended.told.problems],
        "unsure": ended.told.unsure,
        "resumed": ended.resumed,
        "changed": end.tally.moved > 0,
        "native": run.plan.native,
        "environment": reach.settings.environment,
        "next": [f"lambdaops dlq resume {run.id}"] if run.open else [],
    }
    return Reply(partial(ended_text, run, ended.told), data, ended.exit_code, ended.error)
