"""The text answers about a whole account: which aliases are split, who accounts for them, what could be released.

Rules this file guarantees: as in ``tables``: plain core values in, text without a last line break out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdaops.core.reports import Standing
from lambdaops.render.columns import columns
from lambdaops.render.console import PLAIN, Paper
from lambdaops.render.words import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lambdaops.core.reports import AliasStanding
    from lambdaops.core.survey import Survey

_MARK = {
    Standing.DRIVEN: "✔",
    Standing.HELD: "?",
    Standing.ABANDONED: "✖",
    Standing.UNACCOUNTED: "✖",
    Standing.UNREADABLE: "✖",
}


def standing_text(rows: Sequence[AliasStanding], paper: Paper = PLAIN) -> str:
    """One line a split alias and who accounts for it, the next step for each, and a count of those nobody drives."""
    if not rows:
        return paper.paint("✔ no alias is split between two versions", "good")
    cells = [(row.target, str(row.routing), f"{_MARK[row.standing]} {row.standing}", row.detail) for row in rows]
    alone = sum(row.standing is not Standing.DRIVEN for row in rows)
    return "\n".join(
        (
            columns(("TARGET", "TRAFFIC", "STANDING", "WHY"), cells, paper),
            "",
            columns(("TARGET", "NEXT"), [(row.target, row.next_step) for row in rows], paper),
            "",
            _verdict(len(rows), alone, paper),
        )
    )


def _verdict(split: int, alone: int, paper: Paper) -> str:
    aliases = "1 alias is split" if split == 1 else f"{split} aliases are split"
    if alone:
        return paper.paint(f"✖ {aliases}, {alone} without a process that drives a release of it", "bad")
    return paper.paint(f"✔ {aliases}, driven by a live process", "good")


def survey_text(survey: Survey, path: str, paper: Paper = PLAIN, *, written: bool) -> str:
    """What was found, what must be known of it, what could not be used, and what to do next."""
    targets = [
        (
            target.function,
            target.alias,
            target.strategy or "-",
            ", ".join(alarm.name for alarm in target.alarms if alarm.usable) or "-",
        )
        for target in survey.targets
    ]
    notes = [
        (target.function, note)
        for target in survey.targets
        for note in (*target.notes, *(f"{alarm.name}: {alarm.note}" for alarm in target.alarms if alarm.note))
    ]
    notes += [(skipped.function, f"left out: {skipped.why}") for skipped in survey.skipped]
    notes += [("-", note) for note in survey.notes]
    parts = [columns(("FUNCTION", "ALIAS", "STRATEGY", "ALARMS"), targets, paper)] if targets else []
    parts += [columns(("FUNCTION", "NOTE"), notes, paper)] if notes else []
    return "\n\n".join((*parts, f"{_found(survey, path, paper, written=written)}\n{_next(survey, written=written)}"))


def _found(survey: Survey, path: str, paper: Paper, *, written: bool) -> str:
    count = f"{len(survey.targets)} function{'' if len(survey.targets) == 1 else 's'}"
    left = f", {len(survey.skipped)} left out" if survey.skipped else ""
    what = f"{plain(path)}: {count} from {plain(survey.source)}{left}"
    return paper.paint(f"✔ wrote {what}", "good") if written else f"would write {what}"


def _next(survey: Survey, *, written: bool) -> str:
    if not survey.targets:
        return "next  aws lambda create-alias --function-name NAME --name live --function-version 1 makes an alias"
    return "next  read it, then lambdaops config check" if written else "next  the same without --dry-run writes it"
