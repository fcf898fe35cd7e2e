"""What running a playbook needs of the world, as Protocols: commands as steps, answers of functions and of AWS."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from lambdaops.core.playbook.book import Json
from lambdaops.core.playbook.language import Expressions
from lambdaops.core.playbook.limits import NOTHING_ABOVE, Above
from lambdaops.ports import Alarms, Clock, Identity, Journals, Signals, Sink
from lambdaops.ports.queues import Queues

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambdaops.core.playbook.uses import Result, Use


@dataclass(frozen=True, slots=True)
class Part:
    """Which step of which run a command is done for.

    ``tag`` names run, step and attempt (``core/playbook/tags``): it stands in every record that the command writes, as
    part of who acts. ``again`` is whether it was begun before, at ``since``, and nobody knows how it ended. ``signals``
    is what it listens to. ``above`` is for a run that the command begins.
    """

    tag: str
    again: bool
    signals: Signals
    since: datetime | None = None
    above: Above = NOTHING_ABOVE


class Commands(Protocol):
    """Our own commands, done as steps."""

    def perform(self, use: Use, given: Mapping[str, Json], part: Part) -> Result:
        """Do it, without asking; everything expected is in the result, nothing of it is raised."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a function answered: ``error`` is AWS's FunctionError, ``body`` its JSON, None if that is none."""

    request: str
    version: str
    error: str
    what: str
    body: Json


class Answers(Protocol):
    """Calls that are made for their answer."""

    def invoke(self, function: str, qualifier: str, payload: bytes) -> Answer:
        """Call a function and wait.

        Raises:
            NotFoundError, RejectedError: it was not called.
            AwsError: ``ambiguous`` when it may have run all the same.
        """

    def ask(self, service: str, call: str, parameters: Mapping[str, Json]) -> Json:
        """Make one call that only reads, and give its answer as JSON; times as text, bytes and streams left out.

        Raises:
            UsageError: it has no such call, or does not take these parameters.
            NotFoundError, AwsError: AWS refused it.
        """


@dataclass(frozen=True, slots=True)
class PlaybookPorts:
    """Everything that running a playbook needs."""

    clock: Clock
    signals: Signals
    commands: Commands
    answers: Answers
    alarms: Alarms
    queues: Queues
    language: Expressions
    identity: Identity
    journals: Journals
    sink: Sink
    host: str
    run: str = ""
    tool: str = ""
    commit: str = ""
