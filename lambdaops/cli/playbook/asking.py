"""From the words of a command line to a run that may be prepared: the playbook, its inputs, and where it acts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambdaops.cli.aim import load, reach_of
from lambdaops.cli.options import Place
from lambdaops.cli.playbook.loading import Library
from lambdaops.cli.playbook.steps import CommandSteps
from lambdaops.cli.reach import Reach
from lambdaops.core.errors import UsageError
from lambdaops.core.playbook.inputs import MASK, parse_said, resolve
from lambdaops.core.playbook.limits import NOTHING_ABOVE, Above
from lambdaops.core.playbook.plan import Place as Where
from lambdaops.ops.playbook.prepare import Request
from lambdaops.ports.playbooks import PlaybookPorts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambdaops.cli.env import Env
    from lambdaops.core.playbook.book import Json, Playbook
    from lambdaops.core.playbook.run import Run
    from lambdaops.ports import Signals, Sink


@dataclass(frozen=True)
class Asked:
    """The words of a command line, not yet understood."""

    playbook: str
    place: Place
    inputs: tuple[str, ...] = ()
    json: str = ""
    reason: str = ""
    ticket: str = ""
    stop_alarms: tuple[str, ...] = ()
    plan: str = ""
    override: str | None = None
    yes: bool = False
    repeat: bool = False

    @property
    def excuse(self) -> str:
        """Why limits do not count; empty if they do.

        Raises:
            UsageError: no reason was said.
        """
        if self.override is not None and not self.override.strip():
            raise UsageError("--override-limits says no reason", hint='Say why: --override-limits "WHY".')
        return (self.override or "").strip()

    def said(self) -> dict[str, Json]:
        """The inputs that were said.

        Raises:
            UsageError: they cannot be understood.
        """
        said: dict[str, Json] = {}
        if self.json:
            try:
                found = json.loads(self.json)
            except ValueError:
                found = None
            if not isinstance(found, dict):
                raise UsageError("--inputs is no JSON object", hint='Write --inputs \'{"target": "orders:live"}\'.')
            said |= found
        return said | parse_said(self.inputs)


def reach_for(env: Env, place: Place) -> Reach:
    """Where a run acts.

    Raises:
        UsageError, InvalidFileError: as for any command that writes.
    """
    return reach_of(load(env, place), "", None, None, place, writes=True)


def ports_for(env: Env, reach: Reach, place: Place, library: Library, sink: Sink, signals: Signals) -> PlaybookPorts:
    """What running a playbook there needs."""
    ports = reach.ports(env, sink, signals=signals)
    return PlaybookPorts(
        clock=ports.clock,
        signals=signals,
        commands=CommandSteps(env, place),
        answers=env.answers(region=reach.region, profile=reach.profile),
        alarms=ports.alarms,
        queues=env.queues(region=reach.region, profile=reach.profile),
        language=library.language,
        identity=ports.identity,
        journals=ports.journals,
        sink=sink,
        host=ports.host,
        run=ports.run,
        tool=ports.tool,
        commit=ports.commit,
    )


def where(env: Env, reach: Reach, caller: str) -> Where:
    """The account, region and environment that we are in; ``caller`` is the ARN of who we are.

    Raises:
        RegionMissingError: no region is set.
    """
    region = env.inventory(region=reach.region, profile=reach.profile).region
    return Where(caller.split(":")[4], region, reach.settings.environment)


def request_of(env: Env, asked: Asked, library: Library, playbook: Playbook, reach: Reach, caller: str) -> Request:
    """The request of a new run; ``caller`` is the ARN of who we are.

    Raises:
        UsageError: an input is missing or does not fit.
        RegionMissingError: no region is set.
    """
    above = above_of(env)
    return Request(
        playbook,
        resolve(playbook, asked.said()),
        library.uses,
        where(env, reach, caller),
        library.digests(playbook),
        asked.reason,
        asked.ticket,
        asked.stop_alarms,
        asked.yes,
        asked.plan,
        asked.excuse or above.override,
        asked.repeat,
        str(env.cwd / playbook.source),
        above,
        library.book,
    )


def above_of(env: Env) -> Above:
    """What a run has from the one that it is a step of; nothing if a person began it."""
    return env.part.step.above if env.part is not None else NOTHING_ABOVE


def inputs_again(playbook: Playbook, run: Run, said: Mapping[str, Json]) -> dict[str, Json]:
    """The inputs of a run that is taken up: as they were journaled; secrets are said again.

    Raises:
        UsageError: a secret is missing, something else was said, or the playbook takes other inputs by now.
    """
    secret = {one.name for one in playbook.inputs if one.secret}
    others = [name for name in said if name not in secret]
    if others:
        raise UsageError(
            f"{', '.join(others)} was said when the run began, and stays as it is",
            hint="Only secrets are said again. Begin another run for other inputs.",
        )
    known = {one.name for one in playbook.inputs}
    before = {
        name: value for name, value in run.inputs.items() if name in known and not (name in secret and value == MASK)
    }
    return resolve(playbook, {name: value for name, value in (before | dict(said)).items() if value is not None})
