"""A message in the form of each channel: Slack's JSON, a CloudEvent, an e-mail; as long as the channel takes.

Of a record (:class:`Message`), or of a person (:class:`Note`).

Rules this file guarantees: nobody's words become a link or a mention; every field has its limit, so that no channel
refuses a message for its size; the same record, or note, gives the same CloudEvent id.
"""

from __future__ import annotations

import re
from datetime import UTC
from typing import TYPE_CHECKING

from lambdaops.core.notes import Note, Urgency
from lambdaops.core.notifications import Message, Moment, name_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ARN = re.compile(r"arn:[!-~]+")
SOURCE = "lambdaops"
"""``source`` of a CloudEvent, and Source on an event bus (EventBridge keeps names that begin with aws for AWS)."""

# A section of Slack takes 3000 characters, a context 10 elements (Slack, "Reference: Block Kit blocks"); one character
# becomes five where it is escaped.
_LONGEST_WORDS, _LONGEST_NAME, _LONGEST_OPENING = 500, 200, 120
# SNS takes ASCII without line breaks and control characters, "less than 100 characters long" (API reference, Publish).
_LONGEST_SUBJECT = 99

_MESSAGE = "message"
"""The moment of a note, beside those of releases."""
_HEADS = {
    Moment.STARTED: ("release started", ":arrow_forward:"),
    Moment.HELD: ("release held", ":double_vertical_bar:"),
    Moment.ROLLED_BACK: ("rolled back", ":rewind:"),
    Moment.PROMOTED: ("promoted", ":white_check_mark:"),
    Moment.TEST: ("test message", ":wave:"),
}
_EMOJI = {
    Urgency.INFO: ":information_source:",
    Urgency.WARNING: ":warning:",
    Urgency.URGENT: ":rotating_light:",
}

Said = Message | Note
"""What a channel can be told."""


def headline(message: Said) -> str:
    """One line that says it: ``orders:live promoted: 41 -> 42 (prod)``, ``urgent: payments are down (prod)``."""
    if isinstance(message, Note):
        return _headline_of_note(message)
    said = _line(f"{message.name} {_HEADS[message.moment][0]}", _LONGEST_NAME)
    # A rollback ends where the other moments begin.
    versions = (message.stable, message.candidate)
    ends = tuple(reversed(versions)) if message.moment is Moment.ROLLED_BACK else versions
    if all(ends):
        said += f": {_line(ends[0], 20)} -> {_line(ends[1], 20)}"
    elif message.stable:
        said += f": {_line(message.stable, 20)}"
    return f"{said} ({_line(message.environment, 64)})" if message.environment else said


def _headline_of_note(note: Note) -> str:
    name = _line(name_of(note.target), _LONGEST_NAME)
    about = f"{name}: " if name else ""
    said = f"{note.level.value}: {about}{_line(note.title, _LONGEST_NAME) or _line(note.text, _LONGEST_OPENING)}"
    return f"{said} ({_line(note.environment, 64)})" if note.environment else said


def slack(message: Said) -> dict[str, object]:
    """The body of an incoming webhook: blocks, and ``text`` for what shows no blocks."""
    emoji = _EMOJI[message.level] if isinstance(message, Note) else _HEADS[message.moment][1]
    head = f"{emoji} *{_escaped(headline(message))}*"
    if isinstance(message, Note):
        told = [_section(_escaped(part)) for part in _parts(message)]
    else:
        told = [_section(f"*{label}* {_escaped(text)}") for label, text in _words(message)]
    small = [f"{label} {_escaped(text)}" for label, text in _facts(message)]
    context = {"type": "context", "elements": [_text(text) for text in small]}
    return {"text": _escaped(headline(message)), "blocks": [_section(head), *told, context]}


def cloud_event(message: Said) -> dict[str, object]:
    """The message as a CloudEvent 1.0 (https://github.com/cloudevents/spec, JSON format)."""
    about = _line(message.target, _LONGEST_NAME) if isinstance(message, Note) else message.target
    return {
        "specversion": "1.0",
        "id": message.id,
        "source": SOURCE,
        "type": event_type(message),
        **({"subject": about} if about else {}),  # "MUST be a non-empty string" if it is there
        "time": rfc3339(message),
        "datacontenttype": "application/json",
        "data": data_of(message),
    }


def event_type(message: Said) -> str:
    """``type`` of a CloudEvent, and DetailType on an event bus: ``lambdaops.release.promoted``."""
    if isinstance(message, Note):
        return f"lambdaops.message.{message.level.value}"
    return f"lambdaops.release.{message.moment.value}"


def resources(message: Said) -> list[str]:
    """What it is about, for EventBridge: ARNs, where there is one."""
    if isinstance(message, Note) and not _ARN.fullmatch(message.target):
        return []
    return [message.target]


def attributes(message: Said) -> dict[str, str]:
    """What a filter of a topic can go by; none is empty, for SNS refuses an attribute without a value."""
    if isinstance(message, Note):
        found = {
            "moment": _MESSAGE,
            "level": message.level.value,
            "target": _line(name_of(message.target), _LONGEST_NAME),
            "environment": message.environment,
        }
    else:
        found = {"moment": message.moment.value, "target": message.name, "environment": message.environment}
    return {name: value for name, value in found.items() if value}


def rfc3339(message: Said) -> str:
    """When it was, in UTC, to the millisecond: ``2026-11-02T10:00:00.000Z``."""
    return message.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def data_of(message: Said) -> Mapping[str, object]:
    """What happened, field by field; every field is always there, and empty where nothing is to be said."""
    if isinstance(message, Note):
        return _data_of_note(message)
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
        **_who(message),
        "next": _line(message.next, _LONGEST_WORDS),
    }


def _data_of_note(note: Note) -> Mapping[str, object]:
    return {
        "moment": _MESSAGE,
        "level": note.level.value,
        "title": _line(note.title, _LONGEST_NAME),
        "text": "\n".join(_lines(note.text)),
        "target": _line(name_of(note.target), _LONGEST_NAME),
        "region": note.region,
        "account": note.account,
        "environment": _line(note.environment, _LONGEST_NAME),
        **_who(note),
    }


def _who(message: Said) -> dict[str, object]:
    return {
        "actor": {"arn": _line(message.actor.arn, _LONGEST_WORDS), "host": _line(message.actor.host, _LONGEST_NAME)},
        "run": _line(message.actor.run, _LONGEST_WORDS),
        "commit": _line(message.actor.commit, _LONGEST_NAME),
        "tool": _line(message.actor.tool, _LONGEST_NAME),
    }


def subject(message: Said) -> str:
    """The subject of an e-mail, as SNS takes it: printable ASCII, at most 99 characters."""
    plain = "".join(char if " " <= char <= "~" else "?" for char in headline(message))
    return plain if len(plain) <= _LONGEST_SUBJECT else plain[: _LONGEST_SUBJECT - 3] + "..."


def plain_text(message: Said) -> str:
    """The message for people who read mail."""
    if isinstance(message, Note):
        said = [headline(message), "", *_lines(message.text), ""]
    else:
        said = [headline(message), "", *(f"{label}: {text}" for label, text in _words(message))]
    target = [("target", _line(message.target, _LONGEST_WORDS))] if message.target else []
    return "\n".join(
        [*said, *(f"{label}: {text}" for label, text in (*_facts(message), ("at", rfc3339(message)), *target))]
    )


def _words(message: Message) -> list[tuple[str, str]]:
    """What is to be read first."""
    said = (("why", message.why), ("reason", message.reason), ("next", message.next))
    return [(label, _line(text, _LONGEST_WORDS)) for label, text in said if text.strip()]


def _facts(message: Said) -> list[tuple[str, str]]:
    actor = message.actor
    said = [("by", actor.arn), ("on", actor.host), ("run", actor.run), ("commit", actor.commit)]
    said += [] if isinstance(message, Note) else [("ticket", message.ticket), ("release", message.release)]
    return [(label, _line(text, _LONGEST_WORDS)) for label, text in said if text.strip()]


def _parts(note: Note) -> Iterator[str]:
    """A note's text in pieces that Slack takes; none where the headline has all of it."""
    text = "\n".join(_lines(note.text))
    if not note.title.strip() and len(text) <= _LONGEST_OPENING and "\n" not in text:
        return
    for first in range(0, len(text), _LONGEST_WORDS):
        part = text[first : first + _LONGEST_WORDS]
        if part.strip():
            yield part


def _section(text: str) -> dict[str, object]:
    return {"type": "section", "text": _text(text)}


def _text(text: str) -> dict[str, object]:
    # verbatim: no name in it becomes a link to a channel or a mention of a person.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _escaped(text: str) -> str:
    """Slack's three characters ("Formatting text for app surfaces"): everything else stands for itself."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _lines(text: str) -> list[str]:
    """A text of several lines, each of printable characters."""
    return [_line(line, len(line) + 1) for line in text.strip().splitlines()]


def _line(text: str, longest: int) -> str:
    """The text in one line of printable characters, cut where it is too long."""
    said = "".join(char if char.isprintable() else " " for char in text)
    said = " ".join(said.split())
    return said if len(said) <= longest else said[: longest - 1] + "…"
