"""``audit list|show``: who did what, and why. Needs no AWS."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import typer

from lambdaops.cli.options import (
    ConfigOption,
    EnvironmentOption,
    JournalArgument,
    OutputFormat,
    OutputOption,
    Place,
)
from lambdaops.cli.reply import Reply, answer

if TYPE_CHECKING:
    from lambdaops.cli.env import Env


def add_to(group: typer.Typer) -> None:
    """Register the commands."""
    group.command("list")(list_)
    group.command("show")(show)


def list_(
    ctx: typer.Context,
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """List the journals of this machine, or of the team's store.

    \b
    lambdaops audit list
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.cli.aim import journals_at
        from lambdaops.core.codec import encode
        from lambdaops.ops.reports import audit
        from lambdaops.render.tables import audit_text

        rows = audit(journals_at(env, Place(environment, config)))
        return Reply(partial(audit_text, rows), {"journals": encode(rows), "home": str(env.home)})

    return answer(env, "audit list", output, body)


def show(
    ctx: typer.Context,
    target: JournalArgument,
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Show every record of a journal in order.

    \b
    lambdaops audit show orders:live
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.cli.aim import journals_at
        from lambdaops.core.events import to_record
        from lambdaops.ops.reports import find_journal
        from lambdaops.render.tables import records_text

        journals = journals_at(env, Place(environment, config))
        arn = find_journal(journals, target)
        entries = journals.open(arn).read().entries
        return Reply(
            partial(records_text, entries), {"target": arn, "records": [to_record(entry) for entry in entries]}
        )

    return answer(env, "audit show", output, body)
