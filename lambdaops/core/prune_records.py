"""What the deletion of old versions leaves in the function's journal; parsed back by ``core.events``.

Rules this file guarantees: a version's deletion is announced before its call (``VersionDeleting``) and has one end
(``VersionDeleted``, ``VersionSpared`` or ``VersionDeleteFailed``); a run without a ``PruneClosed`` was killed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class PruneOpened:
    """Old versions are about to be deleted: ``versions``, oldest first.

    ``keep`` of the newest stay, and whatever the journals speak of since ``since``.
    """

    versions: tuple[str, ...]
    keep: int
    since: datetime
    reason: str = ""
    ticket: str = ""
    tool: str = ""


@dataclass(frozen=True, slots=True)
class VersionDeleting:
    """A version is about to be deleted; on disk before the call. ``size`` is its code's, in bytes."""

    version: str
    size: int
    code_sha256: str


@dataclass(frozen=True, slots=True)
class VersionDeleted:
    """The version is no more; ``found`` when a later look showed that, rather than the call's answer."""

    version: str
    request_id: str = ""
    found: bool = False


@dataclass(frozen=True, slots=True)
class VersionSpared:
    """The version stays: something refers to it by now, or AWS would not delete it."""

    version: str
    why: str
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class VersionDeleteFailed:
    """The version is still there, or it is not known whether it is; nothing more is deleted in this run."""

    version: str
    code: str
    message: str
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class PruneClosed:
    """The run is over; ``freed`` is the code of the deleted versions, in bytes. ``problem`` is what ended it early."""

    deleted: int
    freed: int
    problem: str = ""


PruneEvent = PruneOpened | VersionDeleting | VersionDeleted | VersionSpared | VersionDeleteFailed | PruneClosed
