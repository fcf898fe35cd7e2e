"""Small pieces of text that several renderers share: icons, inert strings, widths, clock times.

Rules this file guarantees: text from outside (names, reasons, messages) can neither move the cursor nor break a line
once it went through :func:`plain`; nothing cut by :func:`cut` or :func:`wrap` is wider than asked for.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta

from lambdaops.core.gates import Verdict
from lambdaops.core.model import Level
from lambdaops.core.plan import OnInconclusive

VERDICT_ICON = {Verdict.PASS: "✔", Verdict.INCONCLUSIVE: "?", Verdict.ERROR: "⚠", Verdict.FAIL: "✖"}
WHEN_UNDECIDED = {
    OnInconclusive.ROLLBACK: "rolls back",
    OnInconclusive.HOLD: "holds",
    OnInconclusive.PROMOTE: "goes on",
}
LEVEL_ICON = {Level.OK: "✔", Level.WARN: "⚠", Level.BLOCK: "✖"}
LEVEL_WORD = {level: f"{LEVEL_ICON[level]} {level.name:<5}" for level in Level}
# One for one but for the arrow, so that columns stay columns.
_ASCII = str.maketrans(
    {"✔": "+", "✖": "x", "⚠": "!", "▶": ">", "◀": "<", "·": ".", "‖": "=", "→": "->", "…": "~", "█": "#", "░": "-"}
)
# They make a terminal draw the character before them wider, or not.
_SELECTOR = re.compile("[\ufe00-\ufe0f]")
_UNKNOWN = "\N{REPLACEMENT CHARACTER}"


def plain(text: str) -> str:
    """The text made inert: line breaks and tabs become spaces, other control characters visible."""
    if text.isprintable():  # neither controls nor separators other than the space: nearly always, and told at once
        return _SELECTOR.sub("", text)
    return "".join(_inert(char) for char in text)


def _inert(char: str) -> str:
    if " " <= char <= "~":
        return char
    if char in "\n\r\t\v\f\x85\u2028\u2029":
        return " "
    if _SELECTOR.match(char):
        return ""
    return _UNKNOWN if unicodedata.category(char).startswith("C") else char


def ascii_only(text: str) -> str:
    """The text with icons replaced by what ASCII has for them, and everything else it lacks by ``?``."""
    return text.translate(_ASCII).encode("ascii", "replace").decode("ascii")


def takes_unicode(encoding: str | None) -> bool:
    """Whether a stream of this encoding can take our icons."""
    try:
        "".join(chr(char) for char in _ASCII).encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def fits(text: str, encoding: str | None) -> str:
    """The text as far as a stream of this encoding can take it: icons fall back to ASCII."""
    try:
        text.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return ascii_only(text)
    return text


def width(text: str) -> int:
    """The columns a terminal needs for the text."""
    return len(text) if text.isascii() else sum(_columns(char) for char in text)


def _columns(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def cut(text: str, room: int) -> str:
    """The text in at most ``room`` columns; what is missing at its end shows as ``…``."""
    if width(text) <= room:
        return text
    return _head(text, room - 1) + "…" if room > 0 else ""


def cut_middle(name: str, room: int) -> str:
    """A name in at most ``room`` columns, with both its ends: names of one system often begin alike."""
    if width(name) <= room or room < 3:  # noqa: PLR2004 -- one character either side of the mark
        return cut(name, room)
    tail = _head(name[::-1], (room - 1) // 2)[::-1]
    return _head(name, room - 1 - width(tail)) + "…" + tail


def _head(text: str, room: int) -> str:
    used = 0
    for at, char in enumerate(text):
        used += _columns(char)
        if used > room:
            return text[:at]
    return text


def wrap(text: str, room: int, most: int | None = None) -> list[str]:
    """The text in lines of at most ``room`` columns, broken between words where possible; the last may be cut."""
    lines: list[str] = []
    rest = text.strip().replace(" %", "\N{NO-BREAK SPACE}%")
    while rest:
        if width(rest) <= room or len(lines) + 1 == most:
            lines.append(cut(rest, room))
            break
        head = _head(rest, room) or rest[0]
        at = len(head) if rest[len(head) : len(head) + 1] == " " else head.rfind(" ")
        at = at if at > 0 else len(head)
        lines.append(rest[:at].rstrip(" "))
        rest = rest[at:].lstrip(" ")
    return [line.replace("\N{NO-BREAK SPACE}%", " %") for line in lines]


def told(word: str, reason: str) -> str:
    """A state and its reason; some reasons begin with the very word, and it is not said twice."""
    begins = reason.lower().startswith(word.lower()) and reason[len(word) :][:2] in ("", ": ")
    rest = reason[len(word) + 2 :] if begins else reason
    return f"{word}: {rest}" if rest else word


def clock(at: datetime) -> str:
    """A time of day in UTC."""
    return f"{at.astimezone(UTC):%H:%M:%S}"


def moment(at: datetime | None) -> str:
    """A time of day in UTC with its date, or a dash."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if at else "-"


def countdown(left: timedelta) -> str:
    """``m:ss``, or ``h:mm:ss`` from an hour on; never below zero."""
    seconds = max(0, -int(-left.total_seconds() // 1))
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def rough(duration: timedelta) -> str:
    """A duration as precise as anybody wants it: days and hours, hours and minutes, or less."""
    seconds = max(0, int(duration.total_seconds()))
    for unit, length, below in (("d", 86_400, 3_600), ("h", 3_600, 60), ("m", 60, 1)):
        if seconds >= length:
            inner = seconds % length // below
            smaller = {"d": "h", "h": "m", "m": "s"}[unit]
            return f"{seconds // length}{unit}{inner}{smaller}" if inner else f"{seconds // length}{unit}"
    return f"{seconds}s"


def tone(text: str) -> str:
    """What kind of news a piece of text is, told by the icon it begins with: good, bad, warn, or nothing special."""
    return {"✔": "good", "✖": "bad", "⚠": "warn", "?": "warn"}.get(text[:1], "")
