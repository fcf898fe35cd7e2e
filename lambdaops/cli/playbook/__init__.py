"""``playbook``: on-call work as checked, resumable steps. One module for each few commands."""

from __future__ import annotations

import typer

from lambdaops.cli.playbook import look, plan, run, steer

_group = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


def add_to(app: typer.Typer) -> None:
    """Register the group."""
    for commands in (look, plan, run, steer):
        commands.add_to(_group)
    app.add_typer(_group, name="playbook", help="On-call work as YAML: checked, planned, run step by step, resumed.")
