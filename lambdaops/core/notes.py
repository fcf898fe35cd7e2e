"""A message of a person or a playbook to the channels: not a record's, but somebody's own words.

Rules this file guarantees: a note that was made is one that every channel can take; what is too long is refused where
it is written, not cut where it is read.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from datetime import datetime

from lambdaops.core.errors import UsageError
from lambdaops.core.model import Actor

LONGEST_TEXT, LONGEST_TITLE, LONGEST_TARGET = 2000, 150, 200
_ID = re.compile(r"[!-~]{1,128}")


class Urgency(enum.Enum):
    """How soon somebody should look."""

    INFO = "info"
    WARNING = "warning"
    URGENT = "urgent"


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody says; ``target`` is what it is about, a name or an ARN, if anything.

    ``id`` is the same whenever the same note is sent again, so that whoever reads it by machine can tell.

    Raises:
        UsageError: nothing is said, or too much, or the id cannot be one.
    """

    id: str
    at: datetime
    actor: Actor
    text: str
    title: str = ""
    level: Urgency = Urgency.INFO
    target: str = ""
    environment: str = ""
    region: str = ""
    account: str = ""

    def __post_init__(self) -> None:
        if not any(char.isprintable() and not char.isspace() for char in self.text):
            raise UsageError("there is nothing to send", hint='Say it: lambdaops notify send "TEXT".')
        for what, said, most in (
            ("text", self.text, LONGEST_TEXT),
            ("--title", self.title, LONGEST_TITLE),
            ("--target", self.target, LONGEST_TARGET),
        ):
            if len(said) > most:
                raise UsageError(
                    f"the {what} has {len(said)} characters, and channels take {most}",
                    hint="Shorten it, or send it in parts.",
                )
        if not _ID.fullmatch(self.id):
            raise UsageError(
                f"--id {self.id!r} cannot be an id",
                hint="Take up to 128 printable ASCII characters, without blanks.",
            )
