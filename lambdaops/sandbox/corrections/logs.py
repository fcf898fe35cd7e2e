"""Lambda's logs as they are on AWS: filters with "any of these", stream prefixes, an error as one event.

ministack takes the question marks of a filter for letters, ignores the prefix of stream names (so that one version's
errors are taken for another's), and cuts a traceback into an event a line, without the level and the error in front
that Lambda's Python runtime writes (Lambda developer guide, "Log and monitor Python Lambda functions").
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_TRACEBACK = "Traceback (most recent call last):"


def apply() -> None:
    """Replace the filter, and what becomes of a traceback."""
    from ministack.services import cloudwatch_logs

    append, filtered = cloudwatch_logs._append_log_events, cloudwatch_logs._filter_log_events

    def by_prefix(data: dict[str, Any]) -> object:
        prefix = data.get("logStreamNamePrefix")
        group = cloudwatch_logs._log_groups.get(data.get("logGroupName"))
        if prefix and group is not None:
            names = [name for name in list(group["streams"]) if name.startswith(prefix)]
            data = {**data, "logStreamNames": names or ["none"]}  # an empty list means all of them
        return filtered(data)

    def appended(stream: dict[str, Any], events: list[dict[str, Any]]) -> object:
        return append(stream, together(events))

    cloudwatch_logs._compile_filter_pattern = matcher
    cloudwatch_logs._filter_log_events = by_prefix
    cloudwatch_logs._append_log_events = appended


def matcher(pattern: str) -> Callable[[str], bool]:
    """Whether a message fits an unstructured pattern: every word, one of those with ``?``, none of those with ``-``."""
    if pattern.strip().startswith("{"):
        return lambda _: True  # JSON patterns are not understood here, as in ministack
    words = shlex.split(pattern)
    some = [word[1:] for word in words if word.startswith("?")]
    none = [word[1:] for word in words if word.startswith("-")]
    every = [word.removeprefix("+") for word in words if word[:1] not in ("?", "-")]

    def fits(message: str) -> bool:
        wanted = all(word in message for word in every) and (not some or any(word in message for word in some))
        return wanted and not any(word in message for word in none)

    return fits


def together(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events of one invocation, its traceback as one of them, headed by the error."""
    begins = next((at for at, event in enumerate(events) if event["message"] == _TRACEBACK), None)
    if begins is None:
        return events
    ends = next((at for at in range(begins, len(events)) if events[at]["message"].startswith("END ")), len(events))
    lines = [event["message"] for event in events[begins:ends]]
    last = max((at for at, line in enumerate(lines) if line.startswith(" ")), default=0)
    error, trace = lines[last + 1 :], lines[: last + 1]
    whole = {**events[begins], "message": "\n".join([f"[ERROR] {error[0] if error else ''}", *error[1:], *trace])}
    return [*events[:begins], whole, *events[ends:]]
