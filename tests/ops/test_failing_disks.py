"""A disk that fails at any write of a release: no forward write of the alias without its intent, no broken chain."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.errors import JournalUnwritableError
from lambdaops.core.events import Intent
from lambdaops.core.model import Routing
from lambdaops.ops import release as op
from lambdaops.store.disk import Disk
from lambdaops.store.files import FileJournals
from tests.sim.rig import TARGET, Rig, plan_of
from tests.sim.world import ARN, World

if TYPE_CHECKING:
    from lambdaops.core.model import Alias

LIVE = f"{ARN}:live"
STABLE, CANDIDATE = Routing("1"), Routing("2")
RECORDS = 13
"""As many as an undisturbed release writes; the last two say that it is over."""


@dataclass
class FailingDisk(Disk):
    """Fails at the ``nth`` write or fsync and, if ``lasting``, ever after; ``short`` writes some bytes first."""

    operation: str
    nth: int
    code: int
    lasting: bool
    short: bool = False
    count: int = 0

    def write(self, fd: int, data: bytes) -> int:
        if self._fails("write"):
            if self.short:
                os.write(fd, data[: len(data) // 2])
            raise OSError(self.code, os.strerror(self.code))
        return super().write(fd, data)

    def fsync(self, fd: int) -> None:
        if self._fails("fsync"):
            raise OSError(self.code, os.strerror(self.code))
        # Nothing crashes here: waiting for the medium would only take its time.

    def fsync_directory(self, path: Path) -> None:
        """As above."""

    def _fails(self, operation: str) -> bool:
        if operation != self.operation:
            return False
        self.count += 1
        return self.count >= self.nth if self.lasting else self.count == self.nth


@dataclass
class Witness(World):
    """Looks into the journal at every write of the alias, with a disk that works."""

    home: Path = Path()
    without: list[Routing] = field(default_factory=list)

    def set_routing(self, function: str, alias: str, routing: Routing, revision: str) -> Alias:
        entries = FileJournals(self.home).open(LIVE).read().entries
        intents = [entry.event for entry in entries if isinstance(entry.event, Intent)]
        if not intents or intents[-1].desired != routing:
            self.without.append(routing)
        return super().set_routing(function, alias, routing, revision)


FAULTS = [
    ("write", errno.EIO, False),
    ("write", errno.ENOSPC, True),
    ("fsync", errno.EIO, False),
]


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "lasting"])
@pytest.mark.parametrize(("operation", "code", "short"), FAULTS, ids=["EIO", "short and full", "fsync EIO"])
def test_at_every_write(tmp_path: Path, operation: str, code: int, short: bool, lasting: bool) -> None:
    moved = 0
    for nth in range(1, RECORDS + 1):
        home = tmp_path / str(nth)
        witness = Witness(home=home)
        rig = Rig(witness)
        witness.alarm("errors")
        disk = FailingDisk(operation, nth, code, lasting, short)
        ports = replace(rig.ports, journals=FileJournals(home, disk=disk))
        try:
            op.release(ports, op.Request(TARGET, plan_of()))
        except JournalUnwritableError:
            assert rig.world.writes == [], "it moved nothing"
        assert disk.count >= nth, "the disk never failed"
        told = f"{operation} {nth}: {rig.world.writes}, journal {rig.world.routing}"
        # Going back does not depend on the journal; everything else does.
        assert set(witness.without) <= {STABLE}, told
        assert rig.world.routing in (STABLE, CANDIDATE), told
        if lasting and rig.world.routing == CANDIDATE:
            assert nth >= RECORDS - 1, f"{told}: it went on without its journal"
        moved += bool(rig.world.writes)
        FileJournals(home).verify(LIVE)
    assert moved > RECORDS // 2


def test_an_undisturbed_release_makes_so_many(tmp_path: Path) -> None:
    witness = Witness(home=tmp_path)
    rig = Rig(witness)
    witness.alarm("errors")
    disk = FailingDisk("write", 10_000, errno.EIO, lasting=False)
    ports = replace(rig.ports, journals=FileJournals(tmp_path, disk=disk))
    op.release(ports, op.Request(TARGET, plan_of()))
    journal = FileJournals(tmp_path).open(LIVE).read().entries
    assert disk.count >= len(journal) == RECORDS
    assert witness.without == []
    assert rig.world.routing == CANDIDATE
