"""The CI system around the process: its log's dialect, the summary page and the outputs it takes.

Rules this file guarantees: outside CI nothing here does or imports anything; a file that cannot be written is warned
about and changes no exit code; whatever ends a command, its page is written.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambdaops.core.notices import Notice
    from lambdaops.ports import Sink
    from lambdaops.render.lines import Dialect
    from lambdaops.render.summary import Chronicle, Ending

_REPORTED = frozenset({"plan", "release", "rollback", "publish", "promote", "pause", "resume", "abort"})


@dataclass
class Ci:
    """What the variables say; ``chronicle`` is there where a page will be written."""

    variables: Mapping[str, str]
    chronicle: Chronicle | None = field(default=None, init=False)

    @property
    def github(self) -> bool:
        """Whether GitHub Actions, or a system that speaks as it does, reads what we write."""
        return self.variables.get("GITHUB_ACTIONS") == "true"

    def dialect(self) -> Dialect | None:
        """How the job's log wants it; None for plain lines."""
        if self.github:
            from lambdaops.render.github import GithubLog

            return GithubLog()
        if self.variables.get("GITLAB_CI") == "true":
            from lambdaops.render.gitlab import GitlabLog

            return GitlabLog()
        return None

    def safe(self, text: str) -> str:
        """Text that this CI system takes as text."""
        if not self.github:
            return text
        from lambdaops.render.github import defused

        return defused(text)

    def noting(self, sink: Sink) -> Sink:
        """The sink, with everything remembered for the page."""
        if not self.github:
            return sink
        from lambdaops.render.summary import Chronicle

        self.chronicle = self.chronicle or Chronicle()
        return _Both(self.chronicle, sink)

    def ended(self, ending: Ending, data: Mapping[str, object]) -> str:
        """Write page and outputs; gives what is still to be said on stderr. For GitHub only."""
        from lambdaops.render import github
        from lambdaops.render.summary import LIMIT, Story, page

        story = self.chronicle.story if self.chronicle is not None else Story()
        said = ""
        if ending.error is not None and not story.over:  # how a release ended was annotated when it was told
            said = "".join(github.error_annotations(ending.error))
        if ending.command not in _REPORTED:
            return said
        written: dict[str, Callable[[int], str]] = {
            "GITHUB_STEP_SUMMARY": lambda used: page(story, ending, LIMIT - used),
            "GITHUB_OUTPUT": lambda _: github.output_lines(github.outputs(story, ending.exit_code, data)),
        }
        for name, text in written.items():
            if self.variables.get(name):
                try:
                    _append(self.variables[name], text)
                except (OSError, ValueError) as error:
                    why = getattr(error, "strerror", "") or str(error)
                    said += github.annotation("warning", f"{name} cannot be written: {why}", title="lambdaops")
        return said


class _Both:
    """Tells two sinks."""

    def __init__(self, first: Sink, second: Sink) -> None:
        self._sinks = (first, second)

    def emit(self, notice: Notice) -> None:
        for sink in self._sinks:
            sink.emit(notice)


def _append(path: str, text_for: Callable[[int], str]) -> None:
    """Append to a file what fits after its first ``used`` bytes.

    Raises:
        OSError: it cannot be written.
        ValueError: the path is none, or too little room is left.
    """
    # Without O_NONBLOCK a pipe that nobody reads would be waited for, for ever.
    opened = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0), 0o600)
    with os.fdopen(opened, "wb") as file:
        used = os.fstat(opened).st_size
        gap = b"\n\n" if used else b""
        text = text_for(used + len(gap)).encode("utf-8", "replace")
        if not text:
            raise ValueError("what is in it leaves no room")
        file.write(gap + text)
