"""Which published versions may go: what there is and what refers to it in; what to delete, what to keep and why out.

Rules this file guarantees: nothing is deleted that is among the newest, that anything refers to, or of which it is not
known whether anything does; ``$LATEST`` is no published version; every version that stays has its reasons.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambdaops.core.arns import resource_name
from lambdaops.core.events import Published, RolledBack
from lambdaops.core.model import FULL, Alias, percent
from lambdaops.core.prune_records import (
    PruneClosed,
    PruneOpened,
    VersionDeleted,
    VersionDeleteFailed,
    VersionDeleting,
    VersionSpared,
)
from lambdaops.core.replay import choose_rollback, releases

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from lambdaops.core.events import Entry

EVERY = ""
"""The version of a reference that is one to every version."""


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """A published version and what it takes up: ``size`` of its code in bytes, 0 for an image.

    ``durable`` says that invocations of it may be executions that outlive them.
    """

    number: str
    size: int = 0
    code_sha256: str = ""
    description: str = ""
    modified: str = ""
    durable: bool = False


@dataclass(frozen=True, slots=True)
class Stock:
    """What a function has published; ``arn`` is the function's, without a qualifier."""

    arn: str
    versions: tuple[StoredVersion, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """Why a version stays; of :data:`EVERY` version, when it is not known which ones it is about."""

    version: str
    why: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A version that stays, and all the reasons."""

    version: str
    why: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What goes, oldest first, and what stays, newest first."""

    delete: tuple[StoredVersion, ...]
    keep: tuple[Kept, ...]

    @property
    def size(self) -> int:
        """The bytes of code that go."""
        return sum(version.size for version in self.delete)


def decide(versions: Iterable[StoredVersion], keep: int, references: Iterable[Reference]) -> Decision:
    """Divide the versions; ``keep`` is how many of the newest stay in any case, at least one."""
    newest_first = sorted(versions, key=lambda version: int(version.number), reverse=True)
    most = max(1, keep)
    reasons: dict[str, list[str]] = {version.number: [] for version in newest_first}
    for version in newest_first[:most]:
        reasons[version.number].append("the newest" if most == 1 else f"one of the newest {most}")
    for reference in references:
        for number in reasons if reference.version == EVERY else (reference.version,):
            if number in reasons and reference.why not in reasons[number]:
                reasons[number].append(reference.why)
    return Decision(
        tuple(version for version in reversed(newest_first) if not reasons[version.number]),
        tuple(
            Kept(version.number, "; ".join(reasons[version.number]))
            for version in newest_first
            if reasons[version.number]
        ),
    )


def agreed(decision: Decision, versions: Iterable[StoredVersion]) -> Decision:
    """The decision, restricted to the versions that somebody agreed to delete."""
    numbers = {version.number for version in versions}
    more = [Kept(version.number, "nobody was asked") for version in decision.delete if version.number not in numbers]
    return Decision(
        tuple(version for version in decision.delete if version.number in numbers),
        tuple(sorted((*decision.keep, *more), key=lambda kept: int(kept.version), reverse=True)),
    )


def of_aliases(aliases: Iterable[Alias]) -> tuple[Reference, ...]:
    """Either side of every alias."""
    return tuple(
        Reference(
            version,
            f"{resource_name(alias.arn)} "
            + ("points at it" if alias.routing.share(version) == FULL else f"sends it {_share(alias, version)}"),
        )
        for alias in aliases
        for version in sorted(alias.routing.versions)
    )


def _share(alias: Alias, version: str) -> str:
    return percent(alias.routing.share(version))


def of_journals(
    journals: Mapping[str, Sequence[Entry]], aliases: Iterable[Alias], since: datetime
) -> tuple[Reference, ...]:
    """What the function's journals, by ARN, still need: where rollbacks go, releases that are open, the recent past."""
    found = []
    for alias in aliases:
        choice = choose_rollback(journals.get(alias.arn, ()), alias.routing)
        if choice is not None:
            found.append(
                Reference(choice.version, f"a rollback of {resource_name(alias.arn)} goes to it ({choice.basis})")
            )
    for arn, entries in journals.items():
        found += _of_releases(resource_name(arn), entries, since)
        found += _of_records(resource_name(arn), entries, since)
    return tuple(found)


def _of_releases(name: str, entries: Sequence[Entry], since: datetime) -> Iterable[Reference]:
    for release in releases(entries):
        last = max(release.last.at, release.over.at if release.over is not None else release.last.at)
        if release.open:
            why = f"release {release.id} of {name} is not over"
        elif last >= since:
            why = f"release {release.id} of {name} on {last:%F}"
        else:
            continue
        yield from (Reference(version, why) for version in (release.plan.stable, release.plan.candidate))


def _of_records(name: str, entries: Iterable[Entry], since: datetime) -> Iterable[Reference]:
    for entry in entries:
        if entry.at < since:
            continue
        match entry.event:
            case RolledBack(before=before, after=after):
                why = f"rollback {entry.release} of {name} on {entry.at:%F}"
                yield from (Reference(version, why) for version in sorted(before.versions | after.versions))
            case Published(version=version):
                yield Reference(version, f"published on {entry.at:%F} as {entry.release}")
            case _:
                pass


def knows_no_rollback(journals: Mapping[str, Sequence[Entry]], aliases: Iterable[Alias]) -> tuple[str, ...]:
    """The aliases of which no journal here says where a rollback would go: what was stable before may be deleted."""
    return tuple(
        resource_name(alias.arn)
        for alias in aliases
        if choose_rollback(journals.get(alias.arn, ()), alias.routing) is None
    )


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """A run that a dead process left: ``deleting`` are the deletions whose end nobody recorded."""

    run: str
    deleted: int
    freed: int
    deleting: tuple[VersionDeleting, ...]


def left_behind(entries: Iterable[Entry]) -> tuple[LeftBehind, ...]:
    """The runs in a function's journal that were opened and never closed."""
    open_: dict[str, dict[str, VersionDeleting]] = {}
    gone: dict[str, list[int]] = {}
    for entry in entries:
        run = entry.release
        match entry.event:
            case PruneOpened():
                open_[run], gone[run] = {}, []
            case VersionDeleting(version=version) as deleting if run in open_:
                open_[run][version] = deleting
            case VersionDeleted(version=version) if version in open_.get(run, {}):
                gone[run].append(open_[run].pop(version).size)
            case VersionSpared(version=version) | VersionDeleteFailed(version=version) if run in open_:
                open_[run].pop(version, None)
            case PruneClosed():
                open_.pop(run, None)
            case _:
                pass
    return tuple(
        LeftBehind(run, len(gone[run]), sum(gone[run]), tuple(deleting.values())) for run, deleting in open_.items()
    )
