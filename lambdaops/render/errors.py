"""An error as people read it: what happened and why, every finding, the next step, AWS's request id."""

from __future__ import annotations

from lambdaops.core.errors import BlockedError, InvalidFileError, LambdaOpsError
from lambdaops.core.model import Finding, Level
from lambdaops.render.console import PLAIN, Paper
from lambdaops.render.words import LEVEL_WORD, plain, tone


def error_text(error: LambdaOpsError, paper: Paper = PLAIN) -> str:
    """The lines for stderr."""
    lines = [f"{paper.paint('error:', 'bad')} {plain(error.message)}"]
    if isinstance(error, BlockedError):
        for finding in error.findings:
            if finding.level is not Level.OK:
                lines += finding_lines(finding, paper, known_hint=error.hint)
    if isinstance(error, InvalidFileError) and len(error.mistakes) > 1:
        for mistake in error.mistakes:
            lines.append(f"  {plain(str(mistake))}")
            if mistake.hint and mistake.hint != error.hint:
                lines.append(f"    {plain(mistake.hint)}")
    if error.hint:
        lines.append(f"  next: {plain(error.hint)}")
    if error.request_id:
        lines.append(f"  AWS request id: {plain(error.request_id)}")
    return "\n".join(lines) + "\n"


def finding_lines(finding: Finding, paper: Paper = PLAIN, known_hint: str = "") -> list[str]:
    """A finding and its hint, unless that is told elsewhere."""
    word = LEVEL_WORD[finding.level]
    lines = [f"  {paper.paint(word, tone(word))}  {plain(finding.message)}"]
    if finding.hint and finding.hint != known_hint and finding.level is not Level.OK:
        lines.append(f"{' ' * (len(word) + 4)}{plain(finding.hint)}")
    return lines
