"""A message in the form of each channel: Slack's JSON, a CloudEvent, an e-mail; as long as the channel takes.

Rules this file guarantees: nobody's words become a link or a mention; every field has its limit, so that no channel
refuses a message for its size; the same record gives the same CloudEvent id.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from lambdaops.core.notifications import Moment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambdaops.core.notifications import Message

SOURCE = "lambdaops"
"""``source`` of a CloudEvent, and Source on an event bus (EventBridge keeps names that begin with aws for AWS)."""

# A section of Slack takes 3000 characters, a context 10 elements (Slack, "Reference: Block Kit blocks"); one character
# becomes five where it is escaped.
_LONGEST_WORDS, _LONGEST_NAME = 500, 200
# SNS takes ASCII without line breaks and control characters, "less than 100 characters long" (API reference, Publish).
_LONGEST_SUBJECT = 99

_HEADS = {
    Moment.STARTED: ("release started", ":arrow_forward:"),
    Moment.HELD: ("release held", ":double_vertical_bar:"),
    Moment.ROLLED_BACK: ("rolled back", ":rewind:"),
    Moment.PROMOTED: ("promoted", ":white_check_mark:"),
    Moment.TEST: ("test message", ":wave:"),
}


def headline(message: Message) -> str:
    """One line that says it: ``orders:live promoted: 41 -> 42 (prod)``."""
    said = _line(f"{message.name} {_HEADS[message.moment][0]}", _LONGEST_NAME)
    # A rollback ends where the other moments begin.
    versions = (message.stable, message.candidate)
    ends = tuple(reversed(versions)) if message.moment is Moment.ROLLED_BACK else versions
    if all(ends):
        said += f": {_line(ends[0], 20)} -> {_line(ends[1], 20)}"
    elif message.stable:
        said += f": {_line(message.stable, 20)}"
    return f"{said} ({_line(message.environment, 64)})" if message.environment else said


def slack(message: Message) -> dict[str, object]:
    """The body of an incoming webhook: blocks, and ``text`` for what shows no blocks."""
    emoji = _HEADS[message.moment][1]
    head = f"{emoji} *{_escaped(headline(message))}*"
    told = [_section(f"*{label}* {_escaped(text)}") for label, text in _words(message)]
    small = [f"{label} {_escaped(text)}" for label, text in _facts(message)]
    context = {"type": "context", "elements": [_text(text) for text in small]}
    return {"text": _escaped(headline(message)), "blocks": [_section(head), *told, context]}


def cloud_event(message: Message) -> dict[str, object]:
    """The message as a CloudEvent 1.0 (https://github.com/cloudevents/spec, JSON format)."""
    return {
        "specversion": "1.0",
        "id": message.id,
        "source": SOURCE,
        "type": event_type(message),
        "subject": message.target,
        "time": rfc3339(message),
        "datacontenttype": "application/json",
        "data": data_of(message),
    }


def event_type(message: Message) -> str:
    """``type`` of a CloudEvent, and DetailType on an event bus: ``lambdaops.release.promoted``."""
    return f"lambdaops.release.{message.moment.value}"


def rfc3339(message: Message) -> str:
    """When it was, in UTC, to the millisecond: ``2026-11-02T10:00:00.000Z``."""
    return message.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def data_of(message: Message) -> Mapping[str, object]:
    """What happened, field by field; every field is always there, and empty where nothing is to be said."""
    function, _, alias = message.name.partition(":")
    region, account = (*message.target.split(":"), "", "", "", "", "")[3:5]
    return {
        "moment": message.moment.value,
        "target": _line(message.name, _LONGEST_NAME),
        "function": _line(function, _LONGEST_NAME),
        "alias": _line(alias, _LONGEST_NAME),
        "region": region,
        "account": account,
        "environment": _line(message.environment, _LONGEST_NAME),
        "release": message.release,
        "stable": message.stable,
        "candidate": message.candidate,
        "why": _line(message.why, _LONGEST_WORDS),
        "reason": _line(message.reason, _LONGEST_WORDS),
        "ticket": _line(message.ticket, _LONGEST_NAME),
        "actor": {"arn": _line(message.actor.arn, _LONGEST_WORDS), "host": _line(message.actor.host, _LONGEST_NAME)},
        "run": _line(message.actor.run, _LONGEST_WORDS),
        "commit": _line(message.actor.commit, _LONGEST_NAME),
        "tool": _line(message.actor.tool, _LONGEST_NAME),
        "next": _line(message.next, _LONGEST_WORDS),
    }


def subject(message: Message) -> str:
    """The subject of an e-mail, as SNS takes it: printable ASCII, at most 99 characters."""
    plain = "".join(char if " " <= char <= "~" else "?" for char in headline(message))
    return plain if len(plain) <= _LONGEST_SUBJECT else plain[: _LONGEST_SUBJECT - 3] + "..."


def plain_text(message: Message) -> str:
    """The message for people who read mail."""
    rows = [
        *_words(message),
        *_facts(message),
        ("at", rfc3339(message)),
        ("target", _line(message.target, _LONGEST_WORDS)),
    ]
    return "\n".join([headline(message), "", *(f"{label}: {text}" for label, text in rows)])


def _words(message: Message) -> list[tuple[str, str]]:
    """What is to be read first."""
    said = (("why", message.why), ("reason", message.reason), ("next", message.next))
    return [(label, _line(text, _LONGEST_WORDS)) for label, text in said if text.strip()]


def _facts(message: Message) -> list[tuple[str, str]]:
    said = (
        ("by", message.actor.arn),
        ("on", message.actor.host),
        ("run", message.actor.run),
        ("commit", message.actor.commit),
        ("ticket", message.ticket),
        ("release", message.release),
    )
    return [(label, _line(text, _LONGEST_WORDS)) for label, text in said if text.strip()]


def _section(text: str) -> dict[str, object]:
    return {"type": "section", "text": _text(text)}


def _text(text: str) -> dict[str, object]:
    # verbatim: no name in it becomes a link to a channel or a mention of a person.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _escaped(text: str) -> str:
    """Slack's three characters ("Formatting text for app surfaces"): everything else stands for itself."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _line(text: str, longest: int) -> str:
    """The text in one line of printable characters, cut where it is too long."""
    said = "".join(char if char.isprintable() else " " for char in text)
    said = " ".join(said.split())
    return said if len(said) <= longest else said[: longest - 1] + "…"
