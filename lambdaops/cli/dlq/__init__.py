"""``dlq``: dead letters. One module for each command."""

from __future__ import annotations

import typer

from lambdaops.cli.dlq import dump, inspect, load, paths, purge, redrive, runs

_group = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


def add_to(app: typer.Typer) -> None:
    """Register the group."""
    for command in (paths, inspect, dump, load, purge, redrive, runs):
        command.add_to(_group)
    app.add_typer(
        _group, name="dlq", help="Dead letters: what is in them, and back without losing or flooding anything."
    )
