"""The demo: the main job on a sandbox of its own, told with the ordinary commands.

Rules this file guarantees: every step is the command a user would type, run as a process of its own; the demo succeeds
only if each step ended with the exit code the story says; nothing it started is left running, however it ends.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lambdaops.core.errors import DemoFailedError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_STAGES = "10%:8s,50%:8s,100%:8s"
_GATES = "--alarm orders-health --alarm orders-errors --look-every 2s --patience 30s"
_CALM_SECONDS = 60
_QUIET_LOOKS = 4
_COMMAND_SECONDS = 120


@dataclass(frozen=True)
class Step:
    """One command of the story and how it must end."""

    tell: str
    command: str
    expect: ExitCode
    calm: bool = False
    """Whether the alarms must be OK before it begins, as an operator would wait for."""


@dataclass(frozen=True)
class Ran:
    """How a step ended."""

    step: Step
    exit_code: int
    seconds: float

    @property
    def as_told(self) -> bool:
        """Whether it ended as the story says."""
        return self.exit_code == self.step.expect


STORY = (
    Step("Version 1 serves all orders.", "lambdaops versions orders:live", ExitCode.DONE),
    Step(
        "A good build: published, shifted in stages, watched by two alarms, promoted.",
        f"lambdaops release orders:live --zip {{builds}}/orders-good.zip --strategy {_STAGES} {_GATES} --yes "
        '--reason "tax line on receipts" --ticket SHOP-101',
        ExitCode.DONE,
        calm=True,
    ),
    Step(
        "A build that passes with the sample event and fails for guests: an alarm objects, it is taken back (exit 4).",
        f"lambdaops release orders:live --zip {{builds}}/orders-broken.zip --strategy {_STAGES} {_GATES} --yes "
        '--reason "normalise e-mail addresses" --ticket SHOP-102',
        ExitCode.ROLLED_BACK,
    ),
    Step(
        "A slow build, released at once and watched for errors only: it is promoted.",
        "lambdaops release orders:live --zip {builds}/orders-slow.zip --strategy all-at-once --bake 4s "
        '--alarm orders-errors --look-every 2s --yes --reason "fraud check" --ticket SHOP-103',
        ExitCode.DONE,
        calm=True,
    ),
    Step(
        "Customers complain. One command takes it back.",
        'lambdaops rollback orders:live --reason "checkout is slow"',
        ExitCode.DONE,
    ),
    Step("What happened, and why.", "lambdaops history orders:live", ExitCode.DONE),
    Step("Every record of it.", "lambdaops audit show orders:live", ExitCode.DONE),
    Step("Nobody has edited it.", "lambdaops audit verify orders:live", ExitCode.DONE),
)


def play(variables: Mapping[str, str], rate: int, tell: Callable[[str], None], *, to_stderr: bool) -> Iterator[Ran]:
    """Start a sandbox, play the story, stop the sandbox.

    Raises:
        SandboxUnavailableError: it would not start.
        DemoFailedError: the shop's alarms never had data.
    """
    from lambdaops.sandbox import server, shop, traffic

    with tempfile.TemporaryDirectory(prefix="lambdaops-demo-") as name:
        directory = Path(name)
        tell("Starting a local AWS and a small shop with traffic ...")
        running = server.start(directory / "sandbox")
        try:
            local = {
                **_without_aws(variables),
                **server.environment(running),
                "LAMBDAOPS_HOME": str(directory / "home"),
            }
            opened = shop.open_shop(running.endpoint, local, directory / "sandbox")
            traffic.start(local, directory / "sandbox", rate)
            tell(f"{rate} customers a second order at {running.endpoint}.\n")
            for step in STORY:
                if step.calm:
                    tell("(waiting until the alarms are OK)")
                    _calm(local)
                ran = _run(step, opened.builds, local, tell, to_stderr=to_stderr)
                yield ran
                if not ran.as_told:
                    return
        finally:
            traffic.stop(directory / "sandbox")
            server.stop(running)


def _without_aws(variables: Mapping[str, str]) -> dict[str, str]:
    """No setting of a real account, and none of ours, may reach a command of the demo."""
    return {name: value for name, value in variables.items() if not name.startswith(("AWS_", "LAMBDAOPS_"))}


def _run(step: Step, builds: Path, local: Mapping[str, str], tell: Callable[[str], None], *, to_stderr: bool) -> Ran:
    words = shlex.split(step.command.format(builds=shlex.quote(str(builds))))
    tell(f"# {step.tell}\n$ {step.command.format(builds='builds')}")
    began = time.monotonic()
    done = subprocess.run(  # noqa: S603 -- our own command line
        [sys.executable, "-m", "lambdaops", *words[1:]],
        env=dict(local),
        cwd=builds,  # where no lambdaops.yaml of the caller's is
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr if to_stderr else None,
        timeout=_COMMAND_SECONDS,
        check=False,
    )
    ran = Ran(step, done.returncode, time.monotonic() - began)
    tell(f"  exit {ran.exit_code} after {ran.seconds:.1f} s" + ("\n" if ran.as_told else f", expected {step.expect}"))
    return ran


def _calm(local: Mapping[str, str]) -> None:
    """Wait until the alarms are OK, through the same gateway the product uses."""
    from lambdaops.aws.alarms import CloudWatchAlarms
    from lambdaops.aws.session import Session
    from lambdaops.core.model import AlarmState

    alarms = CloudWatchAlarms(Session(variables=local))
    deadline = time.monotonic() + _CALM_SECONDS
    quiet = 0
    while time.monotonic() < deadline:
        states = {reading.state for reading in alarms.read_alarms(("orders-health", "orders-errors"))}
        quiet = quiet + 1 if states == {AlarmState.OK} else 0
        if quiet == _QUIET_LOOKS:
            return
        time.sleep(0.5)
    raise DemoFailedError(
        f"the shop's alarms were not OK within {_CALM_SECONDS} s",
        hint="This machine may be too slow for that many customers: try a lower --rate.",
    )
