"""What a version wrote to its log when it failed, as few lines that people can read: the same message once, counted.

Rules this file guarantees: of a log event nothing is kept but the first line of an error's message; what looks like
data in it (numbers, ids, addresses, quoted values) is replaced, so that the same error is one line, and an order's
number or a customer's address none at all.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_MESSAGES = 5
_LONGEST = 160
_READ = 4_096  # of one event; what is longer is a stack trace or a payload
_WHEN = r"(?:\d{4}-\d\d-\d\d[T ][\d:.,]+(?:Z|[+-]\d\d:?\d\d)?\s+)?"
_REQUEST = r"(?:(?:RequestId:\s*)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\s+)?"
# Python's runtime writes "[ERROR] ValueError: text" and its logger "[ERROR]\tTIME\tREQUEST\ttext"; Node's writes
# "TIME\tREQUEST\tERROR\tInvoke Error \t{json}" (Lambda developer guide, "Logging and monitoring" of each runtime).
_MARKED = re.compile(
    rf"(?:\[(?:ERROR|CRITICAL|FATAL)\]|(?:ERROR|CRITICAL|FATAL)\b:?)\s*{_WHEN}{_REQUEST}(?P<text>.*)", re.DOTALL
)
_PREFIX = re.compile(rf"{_WHEN}{_REQUEST}")
_PLATFORM = re.compile(r"(?:START|END|REPORT|INIT_START|EXTENSION|TELEMETRY) ")
_LEVELS = {"error", "critical", "fatal"}
_TIMED_OUT = re.compile(r"Task timed out after [0-9.]+ seconds")
_EXITED = re.compile(r"(?:Error: )?(Runtime exited .*|Runtime\.\w+.*)")
_TRACEBACK = "Traceback (most recent call last):"
_THROWN = re.compile(r"(?:Exception in thread \S+ )?((?:[\w$]+\.)*[A-Z][\w$]*(?:Error|Exception|Fault)\b(?::.*)?)")

_DATA = (
    (re.compile(r"\b[a-z][a-z0-9+.-]*://\S+"), "<url>"),
    (re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+"), "<email>"),
    (re.compile(r"\barn:\S+"), "<arn>"),
    (re.compile(r"\b[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"), "<id>"),
    (re.compile(r"\b\d{1,3}(\.\d{1,3}){3}\b"), "<ip>"),
    (re.compile(r"\b(?=\w*\d)(?=\w*[A-Za-z])[\w-]{8,}\b"), "<id>"),
    (re.compile(r"\b[A-Za-z0-9+/_-]{32,}={0,2}"), "<id>"),
    (re.compile(r"(?<![\w.])[+-]?\d[\d.,:_/-]*(?!\w)"), "<n>"),
)
_QUOTED = re.compile(r"(?<!\w)'[^'\n]*'(?!\w)|\"[^\"\n]*\"|`[^`\n]*`")
_WORD = re.compile(r"[A-Za-z_][A-Za-z_.-]{0,40}")  # a field, a class or a file is no value


@dataclass(frozen=True, slots=True)
class LoggedError:
    """One error message, and how many events of the log had it."""

    count: int
    message: str


@dataclass(frozen=True, slots=True)
class Logged:
    """What a version's log says of its errors, the most frequent first; ``note`` says what is not known."""

    group: str
    errors: tuple[LoggedError, ...] = ()
    note: str = ""


def top_errors(events: Iterable[str], most: int = MOST_MESSAGES) -> tuple[LoggedError, ...]:
    """The most frequent error messages among log events, the first seen first where counts are equal."""
    found = Counter(message for event in events if (message := error_in(event)))
    return tuple(LoggedError(count, message) for message, count in found.most_common(most))


def error_in(event: str) -> str:
    """The error message of one log event, without its data; empty where it tells of none."""
    text = event[:_READ].strip()
    said = _of_json(text) if text.startswith("{") else _of_text(text)
    lines = said.strip().splitlines()
    return normalised(lines[0]) if lines else ""


def normalised(text: str) -> str:
    """A line without what looks like data, and not too long."""
    text = _QUOTED.sub(lambda found: found[0] if _WORD.fullmatch(found[0][1:-1]) else "'...'", text[:_READ])
    for pattern, name in _DATA:
        text = pattern.sub(name, text)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _of_text(text: str) -> str:
    if _PLATFORM.match(text):
        return ""
    bare = _PREFIX.sub("", text, count=1)
    timed_out = _TIMED_OUT.match(bare)
    if timed_out:
        return timed_out[0]
    exited = _EXITED.match(bare)
    if exited:
        return exited[1]
    if bare.startswith(_TRACEBACK):
        return next((line for line in reversed(bare.splitlines()) if _THROWN.match(line)), "")
    marked = _MARKED.match(bare)
    if marked:
        return _without_event(marked["text"])
    thrown = _THROWN.match(bare)
    return thrown[1] if thrown else ""


def _without_event(text: str) -> str:
    """What follows a level; Node puts the error behind a few words, as JSON."""
    words, brace, rest = text.partition("{")
    if brace and "\n" not in words:
        inner = _of_json(brace + rest)
        return inner or words
    return text


def _of_json(text: str) -> str:
    """The message of an event in Lambda's JSON format, or of an error as a runtime prints it."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(data, dict):
        return ""
    kind, message = data.get("errorType"), data.get("errorMessage")
    if isinstance(message, str) or isinstance(kind, str):
        return ": ".join(part for part in (kind, message) if isinstance(part, str) and part)
    record = data.get("record")
    if isinstance(record, dict) and data.get("type") == "platform.report":
        return "Task timed out" if record.get("status") == "timeout" else ""
    if str(data.get("level", "")).lower() not in _LEVELS:
        return ""
    said = data.get("message", data.get("msg", ""))
    if isinstance(said, dict):  # Node nests what was logged
        return _of_json(json.dumps(said)) or "an object was logged"
    return said if isinstance(said, str) else ""
