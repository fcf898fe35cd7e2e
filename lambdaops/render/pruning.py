"""Old versions that went or would go: the end report, and what the records say.

Rules this file guarantees: every version that stays is told with its reasons; nothing is truncated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdaops.core.prune_records import (
    PruneClosed,
    PruneOpened,
    VersionDeleted,
    VersionDeleteFailed,
    VersionDeleting,
    VersionSpared,
)
from lambdaops.render.columns import columns
from lambdaops.render.console import PLAIN, Paper
from lambdaops.render.words import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lambdaops.core.events import Event
    from lambdaops.core.prune import Kept, StoredVersion

_THOUSAND = 1024
_UNITS = ("bytes", "KB", "MB", "GB", "TB")


def megabytes(size: int) -> str:
    """A size of code as Lambda's quotas count it: ``1.4 MB``, 1 KB being 1024 bytes."""
    amount, unit = float(size), 0
    while amount >= _THOUSAND and unit + 1 < len(_UNITS):
        amount, unit = amount / _THOUSAND, unit + 1
    return f"{size} {_UNITS[0]}" if unit == 0 else f"{amount:.1f} {_UNITS[unit]}"


def prune_text(
    function: str,
    going: Sequence[StoredVersion],
    keep: Sequence[Kept],
    paper: Paper = PLAIN,
    *,
    deleted: bool,
    again: str = "",
) -> str:
    """One line a version, newest first, and what it comes to; ``again`` is the command that deletes."""
    verb = "deleted" if deleted else "would go"
    rows = [(version.number, verb, megabytes(version.size), version.description) for version in going]
    rows += [(kept.version, "stays", "", kept.why) for kept in keep]
    rows.sort(key=lambda row: int(row[0]), reverse=True)
    table = columns(("VERSION", "", "CODE", "WHY IT STAYS, OR ITS DESCRIPTION"), rows, paper)
    total = _sum(function, going, keep, verb, again)
    return f"{table}\n\n{total}" if rows else total


def _sum(function: str, going: Sequence[StoredVersion], keep: Sequence[Kept], verb: str, again: str) -> str:
    name = plain(function)
    if not going:
        return (
            f"{name}: nothing to delete, {_versions(len(keep))} {_stay(keep)}"
            if keep
            else f"{name} has no published version"
        )
    size = megabytes(sum(version.size for version in going))
    said = f"{name}: {_versions(len(going))} {verb} ({size} of code), {len(keep)} {_stay(keep)}"
    return f"{said}\nnothing was deleted; to delete: {plain(again)}" if again else said


def _stay(keep: Sequence[Kept]) -> str:
    return "stays" if len(keep) == 1 else "stay"


def _versions(count: int) -> str:
    return f"{count} version{'s' if count != 1 else ''}"


def described(event: Event) -> str:
    """What a record says, in one line; empty for one of another kind."""
    match event:
        case PruneOpened(versions=versions, keep=keep, since=since, reason=reason):
            said = f"prune {_versions(len(versions))}: {', '.join(versions)}; keeps {keep} and what is since {since:%F}"
            return f"{said}: {reason}" if reason else said
        case VersionDeleting(version=version, size=size):
            return f"delete version {version} ({megabytes(size)})"
        case VersionDeleted(version=version, found=found):
            return f"version {version} is deleted" + (" (found gone)" if found else "")
        case VersionSpared(version=version, why=why):
            return f"version {version} stays: {why}"
        case VersionDeleteFailed(version=version, code=code, message=message, request_id=request_id):
            where = f" (AWS request id {request_id})" if request_id else ""
            return f"version {version} was not deleted: {code}: {message}{where}"
        case PruneClosed(deleted=deleted, freed=freed, problem=problem):
            said = f"pruned {_versions(deleted)}, {megabytes(freed)}"
            return f"{said}; stopped: {problem}" if problem else said
        case _:
            return ""
