"""``audit list|show|verify``: who did what, why, and whether anybody edited it. Needs no AWS."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import typer

from lambdaops.cli.options import AnyJournalArgument, JournalArgument, OutputFormat, OutputOption
from lambdaops.cli.reply import Reply, answer

if TYPE_CHECKING:
    from lambdaops.cli.env import Env

_group = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


def add_to(app: typer.Typer) -> None:
    """Register the group."""
    app.add_typer(_group, name="audit", help="Who did what, why, and whether anybody edited it.")


@_group.command("list")
def list_(ctx: typer.Context, output: OutputOption = OutputFormat.TEXT) -> int:
    """List the journals on this machine.

    \b
    lambdaops audit list
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.core.codec import encode
        from lambdaops.ops.reports import audit
        from lambdaops.render.tables import audit_text

        rows = audit(env.journals)
        return Reply(partial(audit_text, rows), {"journals": encode(rows), "home": str(env.home)})

    return answer(env, "audit list", output, body)


@_group.command("show")
def show(ctx: typer.Context, target: JournalArgument, output: OutputOption = OutputFormat.TEXT) -> int:
    """Show every record of a journal in order.

    \b
    lambdaops audit show orders:live
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.core.events import to_record
        from lambdaops.ops.reports import find_journal
        from lambdaops.render.tables import records_text

        arn = find_journal(env.journals, target)
        entries = env.journals.open(arn).read().entries
        return Reply(
            partial(records_text, entries), {"target": arn, "records": [to_record(entry) for entry in entries]}
        )

    return answer(env, "audit show", output, body)


@_group.command("verify")
def verify(ctx: typer.Context, target: AnyJournalArgument = None, output: OutputOption = OutputFormat.TEXT) -> int:
    """Check that no record was changed, removed or inserted; exit 2 and the line number if one was.

    Records cut off the end cannot be seen by a chain alone: keep the printed head elsewhere and compare.

    \b
    # one journal, or all of them
    lambdaops audit verify orders:live
    lambdaops audit verify
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.core.codec import encode
        from lambdaops.core.errors import JournalTamperedError
        from lambdaops.ops.reports import find_journal, verify
        from lambdaops.render.tables import verify_text

        journals = env.journals
        arns = (find_journal(journals, target),) if target else journals.targets()
        reports = tuple(verify(journals, arn) for arn in arns)
        bad = [report for report in reports if not report.ok]
        error = JournalTamperedError(bad[0].problem, target=bad[0].arn) if bad else None
        data = {"journals": encode(reports)}
        return (
            Reply(partial(verify_text, reports), data, error.exit_code, error)
            if error
            else Reply(partial(verify_text, reports), data)
        )

    return answer(env, "audit verify", output, body)
