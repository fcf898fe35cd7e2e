"""A desk with playbooks on it: a simulated account with a function, alarms and queues, and who runs what."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambdaops.core.playbook.run import runs
from lambdaops.store.disk import APPEND
from lambdaops.store.files import FileJournals
from tests.cli.rig import Cli, Ran
from tests.sim.disk import SteadyDisk
from tests.sim.redriving import Post

if TYPE_CHECKING:
    from lambdaops.core.events import Entry
    from lambdaops.core.playbook.run import Run

SHIP = """\
version: 1
name: ship
description: |
  Ships a version, drains what failed before, and tries one order through the alias.
inputs:
  target: {type: target, description: What is released.}
  to: {type: version}
  queue: {type: queue, default: orders-dlq}
steps:
  - id: ship
    uses: release
    with: {target: "${{ inputs.target }}", to: "${{ inputs.to }}", alarm: errors, strategy: "10%:1m,100%:1m"}
    compensate: {uses: rollback, with: {target: "${{ inputs.target }}"}}
  - id: drain
    uses: dlq.redrive
    with: {queue: "${{ inputs.queue }}", workers: 1}
  - id: try
    uses: invoke
    with: {target: "${{ inputs.target }}", payload: {n: 1}, select: n}
  - id: quiet
    uses: check
    with: {alarms: [errors]}
  - id: said
    uses: note
    if: ${{ steps.ship.outputs.outcome == 'promoted' }}
    with: {message: "shipped ${{ steps.ship.outputs.candidate }}"}
outputs:
  version: ${{ steps.ship.outputs.candidate }}
"""
SHIPPED = ("--input", "target=orders:live", "--input", "to=2")


class KilledError(BaseException):
    """The process is gone: nothing of it catches this."""


@dataclass
class MortalDisk(SteadyDisk):
    """The process dies around the append of this number, counted over all journals; a dead one writes nothing more."""

    number: int = 0
    before: bool = True
    appends: int = 0
    dead: bool = False
    _journals: set[int] = field(default_factory=set)

    def open(self, path: Path, flags: int) -> int:
        fd = super().open(path, flags)
        if flags == APPEND:
            self._journals.add(fd)
        return fd

    def close(self, fd: int) -> None:
        super().close(fd)
        self._journals.discard(fd)

    def write_all(self, fd: int, data: bytes) -> None:
        if self.dead:
            raise KilledError
        if fd in self._journals:
            self.appends += 1
            self._die(before=True)
        super().write_all(fd, data)
        if fd in self._journals:
            self._die(before=False)

    def _die(self, *, before: bool) -> None:
        if self.number == self.appends and self.before == before:
            self.dead = True
            raise KilledError


@dataclass
class Play:
    """Playbooks in ``here/playbooks``, an account, and a command line."""

    here: Path
    cli: Cli = field(init=False)
    post: Post = field(init=False)

    def __post_init__(self) -> None:
        self.cli = Cli(self.here / "home", directory=self.here)
        self.cli.world.alarm("errors")
        self.cli.world.alarm("customers")
        self.post = Post(self.cli.world.clock)
        self.post.sqs.box("orders-dlq")
        self.post.sqs.box("orders", dead_letters="orders-dlq", max_receives=3)
        for number in range(6):
            self.post.sqs.put("orders-dlq", json.dumps({"n": number}), source="orders")
        found: Any = self.post
        self.cli.post = found
        (self.here / "playbooks").mkdir(exist_ok=True)

    def __call__(self, *words: str) -> Ran:
        """``lambdaops playbook WORDS``."""
        return self.cli("playbook", *words)

    def write(self, name: str, text: str) -> Path:
        path = self.here / "playbooks" / f"{name}.yaml"
        path.write_text(text, "utf-8")
        return path

    def steps(self, name: str, steps: str, head: str = "") -> Path:
        """A playbook of these steps."""
        return self.write(name, f"version: 1\nname: {name}\n{head}steps:\n{steps}")

    @property
    def journals(self) -> FileJournals:
        return FileJournals(self.cli.home)

    def entries(self, name: str = "") -> list[Entry]:
        """The records of one playbook, or of everything."""
        return [
            entry
            for arn in self.journals.targets()
            if not name or arn.endswith(f":playbook:{name}")
            for entry in self.journals.open(arn).read().entries
        ]

    def last(self, name: str) -> Run:
        return runs(self.entries(name))[-1]

    def dies(self, number: int, *words: str, before: bool = True) -> bool:
        """Run a command whose process dies at that append; whether it came so far."""
        self.cli.disk = MortalDisk(number=number, before=before)
        try:
            self.cli(*words)
        except KilledError:
            return True
        finally:
            self.cli.disk = SteadyDisk()
        return False
