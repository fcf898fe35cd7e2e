"""What a dump, a load and a purge did, as text."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from lambdaops.render.words import moment, plain

if TYPE_CHECKING:
    from datetime import datetime

    from lambdaops.core.dlq.file_reports import DumpReport, LoadReport, PurgeReport


def dump_text(found: DumpReport) -> str:
    """What is in the file, and whether that is everything."""
    name = _name(found.queue)
    if found.complete:
        lines = [f"✔ {_letters(found.letters)} of {name} in {plain(found.file)}, which is all there are"]
    else:
        lines = [f"⚠ PARTIAL: {_letters(found.letters)} of {name} in {plain(found.file)}: {plain(found.missing)}"]
    lines += _hidden(found.still_hidden, found.hidden_until)
    return "\n".join(lines)


def load_text(found: LoadReport, again: str) -> str:
    """What was sent, and what was not; ``again`` is the command that goes on."""
    name, file = _name(found.queue), plain(found.file)
    if not found.missing:
        said = f"✔ all {_letters(found.letters)} of {file} are in {name}"
        if found.before and not found.sent:
            return f"{said}: they were sent before ({found.run}); --again sends them once more"
        lines = [said + (f", {found.before} of them sent before" if found.before else "")]
    else:
        lines = [f"⚠ PARTIAL: {found.sent + found.before} of {_letters(found.letters)} of {file} are in {name}"]
    if found.failed:
        codes = Counter(one.code for one in found.failures)
        why = ", ".join(f"{plain(code)}: {count}" for code, count in codes.most_common())
        lines.append(f"  {found.failed} were not taken ({why})")
        lines += [f"    {plain(one.id)}  {plain(one.code)}" for one in found.failures]
        if found.failed > len(found.failures):
            lines.append(f"    and {found.failed - len(found.failures)} more")
    if found.held_back:
        lines.append(f"  {found.held_back} were not tried: one before them in their group is not in the queue")
    if found.doubtful and found.left_in_doubt:
        lines.append(
            f"  {found.doubtful} may have been sent by a process that died, and would be there twice: "
            "--resend-doubtful sends them"
        )
    elif found.doubtful:
        lines.append(f"  {found.doubtful} may be there twice: a process died while it sent them")
    if found.interrupted:
        lines.append("  stopped")
    if found.missing:
        lines.append(f"next: {again} sends what is left")
    return "\n".join(lines)


def purge_text(found: PurgeReport) -> str:
    """What was deleted, and where it is."""
    name = _name(found.queue)
    if not found.file:
        return f"✔ SQS deletes what was in {name}, about {_letters(found.deleted)}, within a minute; nothing was kept"
    lines = [f"✔ deleted {_letters(found.deleted)} of {name}; they are in {plain(found.file)}"]
    if found.interrupted:
        lines = [f"⚠ stopped: deleted {_letters(found.deleted)} of {name}; they are in {plain(found.file)}"]
    if found.failed:
        lines.append(f"⚠ {found.failed} that SQS would not delete are in the file and still in the queue")
    if found.bounded:
        lines.append("⚠ there were more letters than SQS had counted: more arrived meanwhile. Run it again for those")
    lines.append(f"next: lambdaops dlq load {plain(found.file)} puts them back")
    return "\n".join(lines)


def _hidden(count: int, until: datetime | None) -> list[str]:
    return [f"⚠ {_letters(count)} stay hidden until {moment(until)} UTC"] if count else []


def _letters(count: int) -> str:
    return "1 letter" if count == 1 else f"{count} letters"


def _name(arn: str) -> str:
    return arn.rpartition(":")[2]
