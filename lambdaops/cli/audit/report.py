"""``audit report``: what changed in a time, as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lambdaops.cli import complete
from lambdaops.cli.options import WHAT, ConfigOption, EnvironmentOption, OutputFormat, OutputOption, Place
from lambdaops.cli.reply import Reply, answer

if TYPE_CHECKING:
    from lambdaops.cli.env import Env

FileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="The HTML file to write; one that is there is replaced.")
]
FromOption = Annotated[
    str,
    typer.Option("--from", metavar="TIME", help="From then on: 2026-08-01, or 30d ago.", rich_help_panel=WHAT),
]
ToOption = Annotated[
    str,
    typer.Option(
        "--to", metavar="TIME", help="Until then; a date means its end.", show_default="now", rich_help_panel=WHAT
    ),
]
FunctionOption = Annotated[
    str,
    typer.Option(
        "--function",
        metavar="NAME",
        help="One function, FUNCTION:ALIAS or an ARN.",
        show_default="all",
        rich_help_panel=WHAT,
        autocompletion=complete.journals,
    ),
]


def add_to(group: typer.Typer) -> None:
    """Register the command."""
    group.command("report")(report)


def report(
    ctx: typer.Context,
    file: FileArgument,
    since: FromOption = "30d",
    until: ToOption = "",
    function: FunctionOption = "",
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Write what changed in a time as one HTML file: who, what, why, each release drawn, and the four DORA numbers.

    Change frequency, lead time, failure rate and time to restore, as far as journals can know them: docs/audit.md \
says how each is counted. The file needs nothing else, and names people: mind whom you send it to.

    \b
    lambdaops audit report july.html --from 2026-07-01 --to 2026-07-31
    lambdaops audit report orders.html --function orders --from 90d
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from datetime import timedelta

        from lambdaops.cli.aim import journals_at
        from lambdaops.core.audit.query import parse_moment
        from lambdaops.core.codec import encode
        from lambdaops.core.errors import UsageError
        from lambdaops.ops.audit.report import report as run
        from lambdaops.render.report_page import report_page
        from lambdaops.store.pages import write_page

        now = env.clock.now()
        start = parse_moment(since, now) or now - timedelta(days=30)
        end = parse_moment(until, now, end=True) or now
        if end <= start:
            raise UsageError("--to is not after --from", hint="Exchange them.")
        found = run(journals_at(env, Place(environment, config)), function, start, end)
        path = env.cwd / file
        write_page(path, report_page(found, tool=env.tool))
        data = {
            "file": str(path),
            "since": encode(found.since),
            "until": encode(found.until),
            "promotions": found.promotions,
            "promotions_per_day": round(found.per_day, 4),
            "lead_time_seconds": found.lead.total_seconds() if found.lead is not None else None,
            "failure_rate": round(found.failure_rate, 4) if found.failure_rate is not None else None,
            "time_to_restore_seconds": found.restore.total_seconds() if found.restore is not None else None,
            "changes": encode(found.changes),
        }
        return Reply(f"{len(found.changes)} changes, {found.promotions} of them promotions: {path}", data)

    return answer(env, "audit report", output, body)
