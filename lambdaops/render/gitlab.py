"""GitLab CI: a stage is a collapsed section of the job's log.

Rule this file guarantees: a section's name has only letters, digits and ``_.-``, and both its marks say the same one
("Custom collapsible sections", GitLab's documentation of job logs).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lambdaops.render.lines import Plain, Section
from lambdaops.render.words import plain

if TYPE_CHECKING:
    from datetime import datetime

    from lambdaops.core.notices import Notice

_CLEAR = "\x1b[0K"
_PLAIN = Plain()


class GitlabLog:
    """The dialect of a job's log (``lines.Dialect``)."""

    def line(self, notice: Notice, text: str) -> str:
        """A line as everywhere."""
        return _PLAIN.line(notice, text)

    def opened(self, section: Section, at: datetime, /) -> str:
        """Open a section, folded."""
        return (
            f"{_CLEAR}section_start:{_seconds(at)}:{_name(section)}[collapsed=true]\r{_CLEAR}{plain(section.title)}\n"
        )

    def closed(self, section: Section, at: datetime, /) -> str:
        """Close it."""
        return f"{_CLEAR}section_end:{_seconds(at)}:{_name(section)}\r{_CLEAR}\n"


def _name(section: Section) -> str:
    """Unique within a job that releases several functions one after another: the title names the target."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", f"lambdaops_{section.name}_{section.title}")[:120]


def _seconds(at: datetime, /) -> int:
    return int(at.timestamp())
