"""One place where a command's result leaves the process: text, one JSON envelope, or the end of a JSON stream."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lambdaops.cli.options import OutputFormat
from lambdaops.core.errors import ExitCode, LambdaOpsError, LeftError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from lambdaops.cli.env import Env
    from lambdaops.ports import Sink
    from lambdaops.render.console import Paper
    from lambdaops.render.envelope import Result


@dataclass(frozen=True)
class Reply:
    """What a command has to say: ``text`` for people, ``data`` for machines, and how it ended.

    A text that depends on the terminal's width and colours is a function of them.
    """

    text: str | Callable[[Paper], str] = ""
    data: Mapping[str, object] = field(default_factory=dict)
    exit_code: ExitCode = ExitCode.DONE
    error: LambdaOpsError | None = None


_DEFECT = Reply("a defect: the job's log ends with where it is", exit_code=ExitCode.INTERNAL)


def answer(env: Env, command: str, output: OutputFormat, body: Callable[[], Reply]) -> int:
    """Run a command's body and write what it replies, or the error it raised."""
    try:
        reply = body()
    except LambdaOpsError as error:
        return answer_error(env, command, output, error)
    except KeyboardInterrupt:  # typer would end without a word, on the line of the question
        return answer_interrupt(env, command, output)
    except BrokenPipeError as error:
        # Not the reader of our output (an outlet bears that): who catches one of those must not take it for one.
        _report(env, command, _DEFECT)
        raise RuntimeError(f"{command}: a pipe broke within the command") from error
    except Exception:
        _report(env, command, _DEFECT)
        raise
    if env.part is not None:
        env.part.take(reply)
    if output is OutputFormat.TEXT:
        from lambdaops.render.console import Outlet

        text = reply.text if isinstance(reply.text, str) else reply.text(env.streams.out_paper)
        if text:
            Outlet(env.stdout).write(env.ci.safe(text.rstrip("\n") + "\n"))
        if reply.error is not None:
            _tell(env, reply.error)
    else:
        from lambdaops.render.envelope import Result

        errors = (reply.error,) if reply.error else ()
        _write(env, output, Result(command, reply.exit_code, reply.data, errors))
    _report(env, command, reply)
    return reply.exit_code


def answer_interrupt(env: Env, command: str, output: str) -> int:
    """Say that somebody pressed Ctrl-C, on a line of its own."""
    _say(env, "\n")
    hint = "What it had begun may have taken effect: lambdaops status shows how it stands. It is safe to run it again."
    return answer_error(env, command, output, LeftError(f"{command} was interrupted", hint=hint))


def answer_error(env: Env, command: str, output: str, error: LambdaOpsError) -> int:
    """Write an error in the form that was asked for; an unknown form reads as text."""
    if env.part is not None:
        env.part.take(Reply(exit_code=error.exit_code, error=error))
        return error.exit_code
    if output in (OutputFormat.JSON, OutputFormat.JSONL):
        from lambdaops.render.envelope import of_error

        _write(env, OutputFormat(output), of_error(command, error))
    else:
        _tell(env, error)
    _report(env, command, Reply(exit_code=error.exit_code, error=error))
    return error.exit_code


def _write(env: Env, output: OutputFormat, result: Result) -> None:
    from lambdaops.render.console import Outlet
    from lambdaops.render.envelope import to_json, to_line

    Outlet(env.stdout).write(to_json(result) if output is OutputFormat.JSON else to_line(result))


def _tell(env: Env, error: LambdaOpsError) -> None:
    from lambdaops.render.errors import error_text

    _say(env, env.ci.safe(error_text(error, env.streams.err_paper)))


def _say(env: Env, text: str) -> None:
    from lambdaops.render.console import Outlet

    Outlet(env.stderr).write(text)


def _report(env: Env, command: str, reply: Reply) -> None:
    """Leave the CI system its page and outputs; nothing anywhere else."""
    if not env.ci.github:
        return
    from lambdaops.render.console import PLAIN
    from lambdaops.render.summary import Ending

    text = reply.text if isinstance(reply.text, str) else reply.text(PLAIN)
    steps = reply.data.get("next", ())
    told = tuple(str(step) for step in steps) if isinstance(steps, list | tuple) else ()
    _say(env, env.ci.ended(Ending(command, reply.exit_code, text, told, reply.error), reply.data))


@contextmanager
def telling(env: Env, output: OutputFormat, *, live: bool = False) -> Iterator[Sink]:
    """Where a running operation tells what happens: a panel on a terminal, lines elsewhere, a JSON stream if asked."""
    if output is OutputFormat.JSONL:
        from lambdaops.render.jsonl import JsonLines

        yield env.ci.noting(JsonLines(env.stdout))
    elif live and output is OutputFormat.TEXT and env.stderr.isatty() and env.variables.get("TERM") != "dumb":
        from lambdaops.render.live import LivePanel

        with LivePanel(env.stderr, env.clock.now, env.variables) as panel:
            yield env.ci.noting(panel)
    else:
        from lambdaops.render.lines import Lines

        lines = Lines(env.stderr, env.ci.dialect())
        try:
            yield env.ci.noting(lines)
        finally:
            lines.close()
