"""``playbook list``, ``show``, ``check``, ``schema``: what playbooks there are and say. Needs no AWS."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import typer

from lambdaops.cli.options import ConfigOption, OutputFormat, OutputOption, Place
from lambdaops.cli.playbook.options import PlaybookArgument
from lambdaops.cli.reply import Reply, answer

if TYPE_CHECKING:
    from lambdaops.cli.env import Env


def add_to(group: typer.Typer) -> None:
    """Register the commands."""
    group.command("list")(list_)
    group.command("show")(show)
    group.command("check")(check)
    group.command("schema")(schema)


def list_(ctx: typer.Context, config: ConfigOption = None, output: OutputOption = OutputFormat.TEXT) -> int:
    """List the playbooks of ./playbooks, of the directories that lambdaops.yaml names, and those that come along.

    \b
    lambdaops playbook list
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.cli.playbook.loading import Library
        from lambdaops.core.errors import InvalidFileError
        from lambdaops.render.playbooks import list_text

        library = Library.of(env, Place(config=config))
        rows = []
        for place in library.known:
            row = {"name": place.name, "file": str(place.path), "from": place.origin.value, "hidden": place.hidden}
            try:
                book = library.written(str(place.path)).book
                rows.append({**row, "description": book.description, "inputs": [one.name for one in book.inputs]})
            except InvalidFileError as error:
                rows.append({**row, "description": "", "inputs": [], "problem": error.message})
        return Reply(partial(list_text, rows), {"playbooks": rows})

    return answer(env, "playbook list", output, body)


def show(
    ctx: typer.Context,
    playbook: PlaybookArgument,
    config: ConfigOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Show what a playbook is for, what it needs to be told, and its steps.

    \b
    lambdaops playbook show dlq-drain
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.cli.playbook.loading import Library
        from lambdaops.render.playbooks import book_data, book_text

        library = Library.of(env, Place(config=config))
        book = library.flawless(playbook)
        return Reply(partial(book_text, book), book_data(book))

    return answer(env, "playbook show", output, body)


def check(
    ctx: typer.Context,
    playbook: PlaybookArgument,
    config: ConfigOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Check a playbook: every mistake at once, as FILE:LINE:COLUMN with the next step; exit 2 if there is one.

    Keys, steps and what they are given, types, references to inputs and to steps that may not be done by then, steps \
that are never reached, circles. Reads nothing but files: whether functions and queues exist, the steps say.

    \b
    lambdaops playbook check playbooks/mine.yaml
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.cli.playbook.loading import Library

        library = Library.of(env, Place(config=config))
        book = library.flawless(playbook)
        steps = f"{len(book.steps)} step{'s' if len(book.steps) != 1 else ''}"
        data = {"name": book.name, "file": book.source, "steps": len(book.steps), "digest": book.digest}
        return Reply(f"{book.source} has no mistakes: {book.name}, {steps}", data)

    return answer(env, "playbook check", output, body)


def schema(ctx: typer.Context, output: OutputOption = OutputFormat.TEXT) -> int:
    """Print the JSON Schema of playbooks, for editors: completion, descriptions, mistakes seen while typing.

    \b
    lambdaops playbook schema > playbook.schema.json
    # first line of a playbook, for editors with the YAML language server
    # yaml-language-server: $schema=playbook.schema.json
    """
    env: Env = ctx.obj

    def body() -> Reply:
        import json

        from lambdaops.cli.playbook.catalogue import Catalogue
        from lambdaops.config.playbooks.schema import playbook_schema

        found = playbook_schema(Catalogue())
        return Reply(json.dumps(found, indent=2, ensure_ascii=False), {"schema": found})

    return answer(env, "playbook schema", output, body)
