"""Which alarms a release listens to: the names a configuration gives, and those its patterns match right now.

Rules this file guarantees: a pattern that matches nothing blocks, because nobody would notice that nothing watches;
alarms that drive auto scaling are never matched by a pattern, because they go into ALARM in good health.
"""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambdaops.core.model import Finding, Level
from lambdaops.core.survey import scales

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lambdaops.ports import Inventory

_SPECIAL = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class WatchList:
    """Names of alarms, those of them that are not acted on, and what is wrong with the patterns."""

    alarms: tuple[str, ...]
    ignored: tuple[str, ...]
    findings: tuple[Finding, ...]


def watch_list(inventory: Callable[[], Inventory], alarms: Iterable[str], ignored: Iterable[str]) -> WatchList:
    """Turn names and shell patterns into names.

    Args:
        inventory: the account; asked for only if there is a pattern, once for each.
        alarms: what may object.
        ignored: what is reported but not acted on.

    Raises:
        AwsError: the alarms cannot be listed.
    """
    findings: list[Finding] = []
    found = [_names(inventory, pattern, findings, Level.BLOCK) for pattern in alarms]
    others = [_names(inventory, pattern, findings, Level.WARN) for pattern in ignored]
    ignored_names = tuple(dict.fromkeys(name for names in others for name in names))
    every = dict.fromkeys(name for names in found for name in names)
    return WatchList((*every, *(name for name in ignored_names if name not in every)), ignored_names, tuple(findings))


def _names(inventory: Callable[[], Inventory], pattern: str, findings: list[Finding], level: Level) -> tuple[str, ...]:
    special = _SPECIAL.search(pattern)
    if special is None:
        return (pattern,)
    known = inventory().alarm_names(pattern[: special.start()])
    names = tuple(name for name in known if fnmatch.fnmatchcase(name, pattern) and not scales(name))
    if not names:
        blind = ": the release would be blind" if level is Level.BLOCK else ""
        what = f"no alarm in this account and region matches {pattern}{blind}"
        findings.append(Finding(level, "alarms", what, "Correct the pattern in lambdaops.yaml, or create the alarm."))
    return names
