"""The real file system of a machine whose power never fails: nothing waits for the medium."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdaops.store.disk import Disk

if TYPE_CHECKING:
    from pathlib import Path


class SteadyDisk(Disk):
    """For tests of what is written; that it is on the medium, and in which order, is tested in ``tests/store``."""

    def fsync(self, fd: int) -> None:
        """The kernel has it."""

    def fsync_directory(self, path: Path) -> None:
        """The kernel has it."""
