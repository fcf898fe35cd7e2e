"""An error as people read it: what happened and why, every finding, the next step, AWS's request id."""

from __future__ import annotations

from lambdaops.core.errors import BlockedError, LambdaOpsError
from lambdaops.core.model import Level
from lambdaops.render.words import LEVEL_WORD, plain


def error_text(error: LambdaOpsError) -> str:
    """The lines for stderr."""
    lines = [f"error: {plain(error.message)}"]
    if isinstance(error, BlockedError):
        lines += [
            f"  {LEVEL_WORD[finding.level]}  {plain(finding.message)}"
            for finding in error.findings
            if finding.level is not Level.OK
        ]
    if error.hint:
        lines.append(f"  next: {plain(error.hint)}")
    if error.request_id:
        lines.append(f"  AWS request id: {plain(error.request_id)}")
    return "\n".join(lines) + "\n"
