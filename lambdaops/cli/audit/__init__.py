"""``audit``: who did what and why, whether anybody edited it, and proof of that. One module for each purpose."""

from __future__ import annotations

import typer

from lambdaops.cli.audit import anchor, ask, check, look, reconcile, report

_group = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


def add_to(app: typer.Typer) -> None:
    """Register the group."""
    for commands in (look, ask, check, anchor, reconcile, report):
        commands.add_to(_group)
    app.add_typer(_group, name="audit", help="Who did what, why, and whether anybody edited it.")
