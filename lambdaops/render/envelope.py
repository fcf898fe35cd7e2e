"""The machine-readable result: one versioned JSON object, the same for success and for every error.

Rules this file guarantees: the keys of the object and of an error are an API; the text is pure ASCII (JSON escapes), so
it can be written to any stream.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from lambdaops.core.codec import encode
from lambdaops.core.errors import BlockedError, ExitCode, InvalidFileError, LambdaOpsError

RESULT_VERSION = "1"

STATUS = {
    ExitCode.DONE: "success",
    ExitCode.ROLLED_BACK: "reverted",
    ExitCode.HELD: "held",
    ExitCode.INTERRUPTED: "held",
    ExitCode.BLOCKED: "blocked",
    ExitCode.PARTIAL: "partial",
}


def status_of(code: ExitCode) -> str:
    """One word for an exit code; everything that is none of the others is an error."""
    return STATUS.get(code, "error")


@dataclass(frozen=True)
class Result:
    """How a command ended; ``data`` is ready for JSON."""

    command: str
    exit_code: ExitCode
    data: Mapping[str, object] = field(default_factory=dict)
    errors: tuple[LambdaOpsError, ...] = ()

    def envelope(self) -> dict[str, object]:
        """The JSON object."""
        return {
            "lambdaops_result_version": RESULT_VERSION,
            "command": self.command,
            "status": status_of(self.exit_code),
            "exit_code": int(self.exit_code),
            "data": dict(self.data),
            "errors": [error_item(error) for error in self.errors],
        }


def of_error(command: str, error: LambdaOpsError) -> Result:
    """The result of a command that ended with an error; a blocked one carries its findings, a file its mistakes."""
    data: dict[str, object] = {}
    if isinstance(error, BlockedError):
        data = {"findings": encode(error.findings)}
    elif isinstance(error, InvalidFileError) and error.mistakes:
        data = {"mistakes": encode(error.mistakes)}
    return Result(command, error.exit_code, data, (error,))


def to_json(result: Result) -> str:
    """For ``--output json``: readable, one object."""
    return dumped(result.envelope(), indent=2)


def to_line(result: Result) -> str:
    """For ``--output jsonl``: the last line of the stream."""
    return dumped(result.envelope())


def dumped(value: object, indent: int | None = None) -> str:
    """JSON text with a line break; GitHub's runner takes ``##[`` for a command wherever it stands in a log."""
    return json.dumps(value, indent=indent).replace("##[", "\\u0023#[") + "\n"


def error_item(error: LambdaOpsError) -> dict[str, str]:
    """One error in the list of errors."""
    return {
        "code": error.code,
        "message": error.message,
        "hint": error.hint,
        "target": error.target,
        "request_id": error.request_id,
    }
