"""``audit search|tail|export``: the records that somebody asks for, as they come, and for other systems."""

from __future__ import annotations

import enum
import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lambdaops.cli import complete
from lambdaops.cli.options import (
    OUTPUT,
    WHAT,
    AnyJournalArgument,
    ConfigOption,
    EnvironmentOption,
    OutputFormat,
    OutputOption,
    Place,
)
from lambdaops.cli.reply import Reply, answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lambdaops.cli.env import Env
    from lambdaops.core.audit.query import Match, Query
    from lambdaops.core.events import Entry


class Form(enum.StrEnum):
    """What other systems read."""

    JSONL = "jsonl"
    OCSF = "ocsf"
    CLOUDEVENTS = "cloudevents"


def _asked(name: str, metavar: str, text: str, values: Callable[..., object] | None = None) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(
        name, metavar=metavar, help=text, show_default=False, rich_help_panel=WHAT, autocompletion=values
    )
    return option


ActorOption = Annotated[str, _asked("--actor", "TEXT", "Part of who acted: ARN, host, CI run or commit.")]
FunctionOption = Annotated[
    str, _asked("--function", "NAME", "FUNCTION, FUNCTION:ALIAS, QUEUE or an ARN.", complete.journals)
]
SinceOption = Annotated[str, _asked("--since", "TIME", "From then on: 2026-08-01, 2026-08-01T12:00, or 2h, 90d ago.")]
UntilOption = Annotated[str, _asked("--until", "TIME", "Until then; a date means its end.")]
ReleaseOption = Annotated[str, _asked("--release", "ID", "One release, rollback or redrive.")]
OutcomeOption = Annotated[str, _asked("--outcome", "TEXT", "How its run ended: promoted, rolled-back, refused, ...")]
TicketOption = Annotated[str, _asked("--ticket", "ID", "The ticket of its run.")]
KindOption = Annotated[str, _asked("--kind", "KIND", "The kind of record: opened, intent, done, closed, ...")]


def add_to(group: typer.Typer) -> None:
    """Register the commands."""
    group.command("search")(search)
    group.command("tail")(tail)
    group.command("export")(export)


def search(
    ctx: typer.Context,
    actor: ActorOption = "",
    function: FunctionOption = "",
    since: SinceOption = "",
    until: UntilOption = "",
    release: ReleaseOption = "",
    outcome: OutcomeOption = "",
    ticket: TicketOption = "",
    kind: KindOption = "",
    csv: Annotated[bool, typer.Option("--csv", help="For a spreadsheet.", rich_help_panel=OUTPUT)] = False,
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Show the records that fit everything that is asked for, from all journals.

    \b
    # everything that was rolled back in the last 90 days
    lambdaops audit search --outcome rolled-back --since 90d --kind opened
    # what one person did on a day, for a spreadsheet
    lambdaops audit search --actor deploy/ann --since 2026-08-01 --until 2026-08-01 --csv > ann.csv
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.cli.aim import journals_at
        from lambdaops.core.errors import UsageError
        from lambdaops.core.events import to_record
        from lambdaops.ops.audit.search import search
        from lambdaops.render.audit_records import matches_csv, matches_text

        if csv and output is not OutputFormat.TEXT:
            raise UsageError("--csv and --output exclude each other", hint="Give one of them.")
        query = _query(env, actor, function, since, until, release, outcome, ticket, kind)
        found = tuple(sorted(search(journals_at(env, Place(environment, config)), query), key=_order))
        if csv:
            return Reply(matches_csv(found))
        records = [{**to_record(one.entry), "ticket": one.ticket, "outcome": one.outcome} for one in found]
        return Reply(partial(matches_text, found), {"records": records})

    return answer(env, "audit search", output, body)


def _order(match: Match) -> tuple[object, str, int]:
    return match.entry.at, match.entry.target, match.entry.seq or 0


def _query(
    env: Env,
    actor: str,
    function: str,
    since: str,
    until: str,
    release: str,
    outcome: str,
    ticket: str,
    kind: str,
) -> Query:
    from lambdaops.core.audit.query import OUTCOMES, Query, known_outcome, parse_moment
    from lambdaops.core.errors import UsageError
    from lambdaops.core.events import KINDS

    if kind and kind not in KINDS:
        raise UsageError(f"there is no kind of record {kind!r}", hint=f"There are: {', '.join(KINDS)}.")
    known = known_outcome(outcome) if outcome else ""
    if known is None:
        raise UsageError(f"nothing ends with {outcome!r}", hint=f"There are: {', '.join(OUTCOMES)}.")
    now = env.clock.now()
    begin, end = parse_moment(since, now), parse_moment(until, now, end=True)
    if begin is not None and end is not None and end <= begin:
        raise UsageError("--until is not after --since", hint="Exchange them.")
    return Query(actor, function, begin, end, release, known, ticket, kind)


def tail(
    ctx: typer.Context,
    target: AnyJournalArgument = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what is written, until Ctrl-C.", rich_help_panel=WHAT)
    ] = False,
    lines: Annotated[
        int, typer.Option("--lines", "-n", metavar="N", min=0, help="How many to begin with.", rich_help_panel=WHAT)
    ] = 10,
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Show the newest records of one journal or of all, and go on with what is written.

    With --output jsonl every record is a line of JSON.

    \b
    lambdaops audit tail --follow
    lambdaops audit tail orders:live -n 3
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.cli.aim import journals_at
        from lambdaops.core.errors import UsageError
        from lambdaops.core.events import to_record
        from lambdaops.ops.audit.search import follow as following
        from lambdaops.ops.audit.search import newest
        from lambdaops.ops.reports import find_journal
        from lambdaops.render.audit_records import record_line
        from lambdaops.render.console import Outlet

        if follow and output is OutputFormat.JSON:
            raise UsageError("one JSON document never ends while it is followed", hint="Give --output jsonl.")
        journals = journals_at(env, Place(environment, config))
        arns = None if target is None else (find_journal(journals, target),)
        if not follow:
            entries = newest(journals, lines, arns)
            text = "\n".join(record_line(entry) for entry in entries)
            return Reply(text or "no record yet", {"records": [to_record(entry) for entry in entries]})
        outlet = Outlet(env.stdout)
        told = 0
        try:
            for entry in following(journals, env.clock, lines, arns):
                line = json.dumps(to_record(entry)) if output is OutputFormat.JSONL else record_line(entry)
                outlet.write(line + "\n")
                told += 1
        except KeyboardInterrupt:
            return Reply("", {"followed": told})
        raise AssertionError  # following never ends by itself

    return answer(env, "audit tail", output, body)


def export(
    ctx: typer.Context,
    form: Annotated[Form, typer.Option("--format", help="What the other system reads.", rich_help_panel=OUTPUT)] = (
        Form.JSONL
    ),
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="FILE", help="A new file; else standard output.", rich_help_panel=OUTPUT),
    ] = None,
    actor: ActorOption = "",
    function: FunctionOption = "",
    since: SinceOption = "",
    until: UntilOption = "",
    release: ReleaseOption = "",
    outcome: OutcomeOption = "",
    ticket: TicketOption = "",
    kind: KindOption = "",
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Write records for other systems, one JSON object a line: as they are, as OCSF API Activity, or as CloudEvents.

    \b
    lambdaops audit export --format ocsf --since 1d --to yesterday.jsonl
    lambdaops audit export --format cloudevents --function orders:live | jq .type
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.cli.aim import journals_at
        from lambdaops.core.errors import UsageError
        from lambdaops.ops.audit.search import search

        if to is None and output is not OutputFormat.TEXT:
            raise UsageError("the records and the result cannot both be on stdout", hint="Give a file: --to FILE.")
        query = _query(env, actor, function, since, until, release, outcome, ticket, kind)
        entries = (match.entry for match in search(journals_at(env, Place(environment, config)), query))
        lines = (json.dumps(one, sort_keys=True, ensure_ascii=False) + "\n" for one in _written(form, entries))
        if to is None:
            from lambdaops.render.console import Outlet

            outlet = Outlet(env.stdout)
            for line in lines:
                outlet.write(line)
            return Reply()
        path = env.cwd / to
        count = _keep(path, lines)
        return Reply(f"{count} records in {path}", {"records": count, "file": str(path), "format": form.value})

    return answer(env, "audit export", output, body)


def _written(form: Form, entries: Iterable[Entry]) -> Iterable[dict[str, object]]:
    from lambdaops import __version__
    from lambdaops.core.audit.export import to_cloud_event, to_ocsf
    from lambdaops.core.events import to_record

    match form:
        case Form.JSONL:
            return map(to_record, entries)
        case Form.OCSF:
            return (to_ocsf(entry, __version__) for entry in entries)
        case Form.CLOUDEVENTS:
            return map(to_cloud_event, entries)


def _keep(path: Path, lines: Iterable[str]) -> int:
    """Write a new file; how many lines."""
    from lambdaops.core.errors import UsageError

    count = 0
    try:
        with path.open("x", encoding="utf-8", newline="") as file:
            for line in lines:
                file.write(line)
                count += 1
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror or error}",
            hint="Give a name that is free, in a directory that is there and may be written to.",
        ) from error
    return count
