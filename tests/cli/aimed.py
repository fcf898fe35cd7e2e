"""Command lines in a directory with a ``lambdaops.yaml``: dev and prod, each an account of its own."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cli.rig import Cli
from tests.sim.world import World

if TYPE_CHECKING:
    from tests.cli.rig import Ran

DEV, PROD = "444455556666", "111122223333"
ARN = "arn:aws:lambda:eu-central-1:{}:function:orders:live"
CONFIG = f"""\
version: 1
defaults: {{alias: live, alarms: [errors]}}
functions:
  orders: {{}}
environments:
  dev: {{account: "{DEV}", region: eu-central-1, profile: dev}}
  prod: {{account: "{PROD}", region: eu-central-1, profile: prod}}
"""


@dataclass
class Site:
    """A directory with the file, and a world for each environment's profile."""

    cli: Cli
    path: Path
    dev: World
    prod: World

    @classmethod
    def at(cls, directory: Path, config: str = CONFIG) -> Site:
        cli = Cli(directory / "home", directory=directory)
        dev, prod = World(cli.world.clock, account=DEV), World(cli.world.clock, account=PROD)
        cli.worlds = {"dev": dev, "prod": prod}
        for world in (cli.world, dev, prod):
            world.alarm("errors")
        site = cls(cli, directory / "lambdaops.yaml", dev, prod)
        site.write(config)
        return site

    def write(self, config: str) -> None:
        self.path.write_text(config, "utf-8")

    def __call__(self, *argv: str) -> Ran:
        return self.cli(*argv)

    def hold(self, environment: str) -> None:
        """A release to version 2 was begun in this environment, and is held in its first stage."""
        self.cli.world.clock.after(30, lambda: os.kill(os.getpid(), signal.SIGINT))
        words = ("release", "orders", "--env", environment, "--to", "2", "--yes", "--on-interrupt", "hold")
        assert self(*words).code == 130

    @property
    def calls(self) -> list[str]:
        """Every call to any of the accounts."""
        return [call for world in (self.cli.world, self.dev, self.prod) for call in world.calls]

    @property
    def writes(self) -> list[str]:
        return [call for call in self.calls if call in ("set_routing", "update_code", "publish_version")]
