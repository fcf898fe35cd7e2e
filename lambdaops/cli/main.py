"""``main(argv, env) -> int``: parse, run one command, and turn every expected error into its exit code.

An unexpected exception is a defect: it is not caught, so Python prints where it happened and exits with 1.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import typer

from lambdaops import __version__
from lambdaops.cli.commands import is_command, tree
from lambdaops.cli.complete import completed_command, completing
from lambdaops.core.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lambdaops.cli.env import Env


def main(argv: Sequence[str], env: Env) -> int:
    """Run one command line.

    Returns:
        The process's exit code; nothing expected is raised.
    """
    try:
        with completing(os.environ):
            command = tree(argv[0] if argv else completed_command(os.environ))
            code = command(args=list(argv), obj=env, prog_name="lambdaops", standalone_mode=False)
    except typer.TyperException as error:
        return _usage(argv, env, error)
    except (typer.Abort, KeyboardInterrupt):
        from lambdaops.cli.reply import answer_interrupt

        return answer_interrupt(env, _command_of(argv), _asked_form(argv, env))
    except BrokenPipeError:
        # The reader of our output went away (head, less): not our failure, and nothing is left to say.
        return ExitCode.DONE
    return code if isinstance(code, int) else ExitCode.DONE


def _usage(argv: Sequence[str], env: Env, error: typer.TyperException) -> int:
    from lambdaops.cli.reply import answer_error

    message = error.format_message() if hasattr(error, "format_message") else str(error)
    # As far as the words were understood: "audit" of "audit nonsense", "audit verify" of a wrong option of it.
    path = getattr(getattr(error, "ctx", None), "command_path", "").removeprefix("lambdaops").strip()
    command = path or _command_of(argv)
    named = (
        f"lambdaops {command} --help shows how it is used."
        if is_command(command.partition(" ")[0])
        else "lambdaops --help lists the commands."
    )
    return answer_error(env, command, _asked_form(argv, env), UsageError(message.rstrip("."), hint=named))


def _command_of(argv: Sequence[str]) -> str:
    return next((word for word in argv if not word.startswith("-")), "lambdaops")


def _asked_form(argv: Sequence[str], env: Env) -> str:
    """The output form asked for on a command line that could not be parsed."""
    words = list(argv)
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word in ("--output", "-o"):
            return following
        if word.startswith("--output="):
            return word.removeprefix("--output=")
    return env.variables.get("LAMBDAOPS_OUTPUT", "text")


__all__ = ["__version__", "main"]
