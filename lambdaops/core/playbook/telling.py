"""What people outside the process are told of a run: that it waits for somebody, and that it did not go as planned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdaops.core.errors import ExitCode
from lambdaops.core.notes import LONGEST_TEXT, Note, Urgency
from lambdaops.core.playbook.records import ApprovalAsked, Outcome, PlaybookClosed, PlaybookHeld

if TYPE_CHECKING:
    from lambdaops.core.events import Entry


def note_of(entry: Entry, id_: str, environment: str) -> Note | None:
    """What is told of a record; None for one of which nothing is.

    Somebody who pressed Ctrl-C knows that the run is held, and a run that did what it was to do needs nobody.
    """
    placed = f" --env {environment}" if environment else ""
    match entry.event:
        case ApprovalAsked(step=step, message=message, until=until):
            said = f"waits for approval of {step} until {until:%H:%M} UTC: {message}"
            return _note(entry, id_, environment, Urgency.WARNING, said, f"approve {entry.release}{placed}, or reject")
        case PlaybookHeld(code=code, reason=reason) if code != ExitCode.INTERRUPTED:
            return _note(
                entry,
                id_,
                environment,
                Urgency.URGENT,
                f"is held: {reason}",
                f"resume {entry.release}{placed}, or cancel",
            )
        case PlaybookClosed(outcome=Outcome.PARTLY | Outcome.UNDONE as outcome, reason=reason):
            said = f"ended as {outcome.value}: {reason}"
            return _note(entry, id_, environment, Urgency.WARNING, said, f"status {entry.release}{placed}")
        case _:
            return None


def _note(entry: Entry, id_: str, environment: str, level: Urgency, said: str, then: str) -> Note:
    region, account = entry.target.split(":")[3:5]
    name = f"playbook {entry.target.rpartition(':')[2]}"
    after = f". Next: lambdaops playbook {then}"
    return Note(
        id_,
        entry.at,
        entry.actor,
        f"{said[: LONGEST_TEXT - len(after)]}{after}",
        title=name,
        level=level,
        environment=environment,
        region=region,
        account=account,
    )
