"""The command tree. Each command states its consequence, shows examples, and hands over to one operation.

Nothing of AWS, rich's panels or the sandbox is imported until a command that needs it runs; and of the commands, only
the module of the one that is named, because making all their options takes longer than a command does.
"""

from __future__ import annotations

import functools
import importlib
import threading
from typing import Any

import typer

from lambdaops.cli.options import OUTPUT

_MODULES = {
    "publish": "publish",
    "plan": "release",
    "release": "release",
    "rollback": "rollback",
    "promote": "steer",
    "pause": "steer",
    "resume": "steer",
    "abort": "steer",
    "halt": "halt",
    "unhalt": "halt",
    "status": "look",
    "versions": "look",
    "history": "look",
    "prune": "prune",
    "dlq": "dlq",
    "playbook": "playbook",
    "audit": "audit",
    "store": "store",
    "init": "init",
    "config": "config",
    "notify": "notify",
    "sandbox": "sandbox",
    "demo": "sandbox",
}
"""The first word of a command line, and the module here that adds it; in the order of the help."""


def is_command(word: str) -> bool:
    """Whether a command line may begin with this word."""
    return word in _MODULES


def tree(word: str = "") -> Any:  # noqa: ANN401 -- the class is of typer's private part
    """What parses a command line that begins with this word, and runs it.

    Of a command, that is the command alone; otherwise (help, completion, a misspelling) all of them. Each thread has
    its own: what typer makes of a command keeps its last arguments, and threads that shared one would run each other's.
    """
    return _tree(word, threading.get_ident())


@functools.cache
def _tree(word: str, _thread: int) -> Any:  # noqa: ANN401 -- as above
    app = typer.Typer(
        name="lambdaops",
        help="Planned releases and one-command rollbacks for AWS Lambda.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        epilog="Exit codes: 0 done, 2 usage, 3 blocked, 4 rolled back, 5 rollback incomplete (act now), 6 held, "
        "7 somebody else changed the alias, 8 AWS denied or unreachable, 9 partly done, 130 interrupted.",
    )
    app.callback()(root)
    for name in [_MODULES[word]] if word in _MODULES else dict.fromkeys(_MODULES.values()):
        importlib.import_module(f"lambdaops.cli.{name}").add_to(app)
    return typer.main.get_command(app)


def root(
    version: bool = typer.Option(False, "--version", help="Print the version and leave.", rich_help_panel=OUTPUT),
) -> None:
    """Planned releases and one-command rollbacks for AWS Lambda."""
    if version:
        from lambdaops import __version__

        typer.echo(f"lambdaops {__version__}")
        raise typer.Exit
