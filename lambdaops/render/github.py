"""GitHub Actions: groups, annotations and outputs.

Rule this file guarantees: nothing that comes from outside is taken for a workflow command. The runner takes a line that
begins with ``::``, after any white space, and ``##[`` anywhere in a line (actions/runner, ActionCommand.cs); values
within a command are escaped as its documentation says ("Workflow commands for GitHub Actions").
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lambdaops.core.errors import BlockedError, ExitCode, InvalidFileError, LambdaOpsError
from lambdaops.core.events import Closed, Decided, Entry, RolledBack
from lambdaops.core.model import Level
from lambdaops.core.notices import Notice, Planned, Warned
from lambdaops.core.states import Awaiting, Held, Outcome, Paused
from lambdaops.render.envelope import status_of
from lambdaops.render.say import short
from lambdaops.render.words import clock, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from lambdaops.render.lines import Section
    from lambdaops.render.summary import Story

_AT_START = re.compile(r"^(\s*):(?=:)")
_WARNING = "warning: "


class GithubLog:
    """The dialect of a job's log (``lines.Dialect``): an annotation takes the place of the line that it is about."""

    def line(self, notice: Notice, text: str) -> str:
        """A line with its time, or an annotation."""
        level = _level(notice, text)
        if level:
            return annotation(level, text.removeprefix(_WARNING), title=_title(notice))
        return defused(f"{clock(notice.at)}  {plain(text)}\n")

    def opened(self, section: Section, _at: datetime, /) -> str:
        """Open a group."""
        return f"::group::{_data(section.title)}\n"

    def closed(self, _section: Section, _at: datetime, /) -> str:
        """Close it."""
        return "::endgroup::\n"


def _level(notice: Notice, text: str) -> str:
    """Which annotation a line is; most are none. What ends the step's process with a failure is an error."""
    match notice:
        case Warned():
            return "warning"
        case Planned():
            return "warning" if text.startswith(_WARNING) else ""
        case Entry(event=Closed(outcome=Outcome.PROMOTED) | RolledBack()):
            return "notice"
        case Entry(event=Closed() | Decided(state=Held())):
            return "error"
        case Entry(event=Decided(state=Paused() | Awaiting(), answers=None)):
            return "warning"
        case _:
            return ""


def _title(notice: Notice) -> str:
    return f"lambdaops {short(notice.target)}" if isinstance(notice, Entry) else "lambdaops"


def annotation(level: str, text: str, **properties: str) -> str:
    """One annotation: ``level`` is notice, warning or error; ``properties`` are title, file, line, col."""
    said = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value)
    return f"::{level}{' ' if said else ''}{said}::{_data(text)}\n"


def error_annotations(error: LambdaOpsError) -> Iterator[str]:
    """An error, every finding that blocked, and every mistake of a file, at its line."""
    title = f"lambdaops {error.target or error.code}"
    hint = f" Next: {error.hint}" if error.hint else ""
    match error:
        case InvalidFileError(mistakes=mistakes) if mistakes:
            for wrong in mistakes:
                text = f"{wrong.message}{f'. {wrong.hint}' if wrong.hint else ''}"
                place = {"file": wrong.path, "line": str(wrong.line), "col": str(wrong.column)}
                yield annotation("error", text, title=title, **place)
        case _:
            yield annotation("error", f"{error.message}.{hint}", title=title)
    if isinstance(error, BlockedError):
        for found in error.findings:
            if found.level is not Level.OK:
                level = "error" if found.level is Level.BLOCK else "warning"
                text = f"{found.message}{f'. {found.hint}' if found.hint else ''}"
                yield annotation(level, text, title=f"lambdaops {found.check}")


def defused(text: str) -> str:
    """Text without anything that the runner would obey; people read the same."""
    lines = (_AT_START.sub(r"\1: ", line) for line in text.splitlines(keepends=True))
    return "".join(lines).replace("##[", "## [")


def outputs(story: Story, exit_code: ExitCode, data: Mapping[str, object]) -> dict[str, str]:
    """The step's outputs: always the same names, empty where nothing is known."""
    plan = story.view.plan
    known = plan is not None and bool(plan.stable)
    stable, candidate = (plan.stable, plan.candidate) if plan is not None and known else ("", "")
    changed = data.get("changed", data.get("new", story.changed))
    return {
        "outcome": str(data.get("outcome", data.get("phase", status_of(exit_code)))),
        "release": str(data.get("release", story.view.release)),
        "stable": str(data.get("stable", data.get("after", stable))),
        "candidate": str(data.get("candidate", data.get("version", candidate))),
        "exit_code": str(int(exit_code)),
        "changed": "true" if changed else "false",
    }


def output_lines(values: Mapping[str, str]) -> str:
    """The text for the file in ``GITHUB_OUTPUT``; no value can begin another line."""
    return "".join(f"{name}={plain(value)}\n" for name, value in values.items())


def _data(text: str) -> str:
    """A command's value: one line, so that only the per cent sign is left to escape."""
    return plain(text).replace("##[", "## [").replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
