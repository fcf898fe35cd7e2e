"""The real environment of the process, as one value: streams, terminal, variables, and what is wired from them.

The composition root: the only place that brings gateways, journals and clock together. Nothing is read at import time
and nothing of boto3 is imported before a command needs AWS.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from lambdaops import __version__
from lambdaops.cli.ci import Ci
from lambdaops.cli.clock import NoSignals, SystemClock
from lambdaops.core.playbook.tags import TAG

if TYPE_CHECKING:
    from lambdaops.aws.session import Session
    from lambdaops.cli.playbook.part import StepPart
    from lambdaops.core.notifications import Channel
    from lambdaops.core.stores import TableStore
    from lambdaops.ports import Ask, Clock, Inventory, Journals, Notifier, Ports, Signals, Sink
    from lambdaops.ports.halting import HaltPorts
    from lambdaops.ports.playbooks import Answers
    from lambdaops.ports.published import PublishedVersions
    from lambdaops.ports.queues import DeadLetterPorts, FailurePaths, Queues
    from lambdaops.ports.tables import Table, TableAdmin
    from lambdaops.ports.trails import Trail
    from lambdaops.render.console import Streams
    from lambdaops.store.files import FileJournals


@dataclass
class Env:
    """What the process finds around it; every attribute can be given otherwise by a test."""

    variables: Mapping[str, str]
    stdin: TextIO
    stdout: TextIO
    stderr: TextIO
    cwd: Path
    clock: Clock = field(default_factory=SystemClock)
    part: StepPart | None = None
    """The step of a playbook that a command is done for, if it is."""
    _sessions: dict[tuple[str | None, str | None], Session] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def real(cls) -> Env:
        """The environment of this process."""
        _open_what_was_closed()
        return cls(dict(os.environ), sys.stdin, sys.stdout, sys.stderr, _working_directory())

    @property
    def interactive(self) -> bool:
        """Whether a person can be asked."""
        return self.stdin.isatty() and self.stderr.isatty()

    @property
    def streams(self) -> Streams:
        """Where output goes, for the renderers."""
        from lambdaops.render.console import Streams

        out, err = self.stdout, self.stderr
        return Streams(out, err, out.isatty(), err.isatty(), self.variables)

    @cached_property
    def ci(self) -> Ci:
        """What the CI system around the process wants, if there is one."""
        return Ci(self.variables)

    @property
    def again(self) -> bool:
        """Whether a command is done for a step that was begun before, and nobody knows how that ended."""
        return self.part is not None and self.part.step.again

    @property
    def ci_run(self) -> str:
        """What this is part of: the step of a playbook, the CI run as its provider names it; empty outside both."""
        from lambdaops.cli.ci_run import run_in

        step = f"{TAG}{self.part.step.tag}" if self.part is not None else ""
        return " ".join(part for part in (step, run_in(self.variables)) if part)

    @property
    def ci_commit(self) -> str:
        """The commit that CI run is about; empty where it does not say."""
        from lambdaops.cli.ci_run import commit_in

        return commit_in(self.variables)

    @property
    def tool(self) -> str:
        """What we are, with our version."""
        return f"lambdaops {__version__}"

    @cached_property
    def home(self) -> Path:
        """Where the journals are: ``LAMBDAOPS_HOME``, else the user's state directory."""
        from lambdaops.store.files import default_home

        return default_home(self.variables)

    @cached_property
    def files(self) -> FileJournals:
        """The journals of this machine."""
        from lambdaops.store.files import FileJournals

        return FileJournals(self.home)

    def journals_in(
        self, store: TableStore | None, *, region: str | None = None, profile: str | None = None, urgent: bool = False
    ) -> Journals:
        """The audit log of a team, or for None of this machine; ``urgent``: a rollback does not wait for it."""
        if store is None:
            return self.files
        from lambdaops.store.table import TableJournals

        return TableJournals(self.table(store, region=region, profile=profile, urgent=urgent), self.clock)

    def table(
        self, store: TableStore, *, region: str | None = None, profile: str | None = None, urgent: bool = False
    ) -> Table:
        """The table that a team shares."""
        from lambdaops.aws.tables import DynamoTable

        return DynamoTable(self.aws_session(region=region, profile=profile), store.table, store.region, urgent=urgent)

    def table_admin(self, store: TableStore, *, region: str | None = None, profile: str | None = None) -> TableAdmin:
        """What makes that table."""
        from lambdaops.aws.table_admin import DynamoTableAdmin

        return DynamoTableAdmin(self.aws_session(region=region, profile=profile), store.table, store.region)

    def aws_session(self, *, region: str | None = None, profile: str | None = None) -> Session:
        """The session of a region and profile: one for all who use it, so that nobody is asked twice for MFA codes."""
        from lambdaops.aws.session import Session

        # boto3 itself reads AWS_DEFAULT_REGION only; every other SDK and Lambda know AWS_REGION.
        wanted = (region or self.variables.get("AWS_REGION") or None, profile)
        if wanted not in self._sessions:
            self._sessions[wanted] = Session(*wanted)
        return self._sessions[wanted]

    def inventory(self, *, region: str | None = None, profile: str | None = None) -> Inventory:
        """What the account has, for operations that look at all of it."""
        from lambdaops.aws.inventory import AwsInventory

        return AwsInventory(self.aws_session(region=region, profile=profile))

    def notifier(self, channel: Channel, *, region: str | None = None, profile: str | None = None) -> Notifier:
        """What reaches a channel; ``region`` and ``profile`` are those of the function.

        Raises:
            NotToldError: it is known already that it cannot be told.
        """
        from lambdaops.core.notifications import EventBridgeChannel, SlackChannel, SnsChannel

        match channel:
            case SlackChannel():
                from lambdaops.notify.webhook import Webhook

                webhook = Webhook(channel, self.variables)
                webhook.check()
                return webhook
            case SnsChannel():
                from lambdaops.aws.topics import SnsTopic

                return SnsTopic(self.aws_session(region=region, profile=profile), channel)
            case EventBridgeChannel():
                from lambdaops.aws.buses import EventBus

                return EventBus(self.aws_session(region=region, profile=profile), channel)

    def ports(
        self,
        *,
        sink: Sink,
        ask: Ask,
        journals: Journals,
        region: str | None = None,
        profile: str | None = None,
        signals: Signals | None = None,
        urgent: bool = False,
    ) -> Ports:
        """Everything an operation needs, with AWS clients made on first use; ``urgent`` is for a rollback."""
        import socket

        from lambdaops.aws.alarms import CloudWatchAlarms
        from lambdaops.aws.functions import LambdaFunctions
        from lambdaops.aws.identity import StsIdentity
        from lambdaops.aws.logs import CloudWatchLogs
        from lambdaops.aws.metrics import CloudWatchMetrics
        from lambdaops.ports import Ports

        session = self.aws_session(region=region, profile=profile)
        return Ports(
            clock=self.clock,
            signals=signals or NoSignals(),
            functions=LambdaFunctions(session, self.clock, urgent=urgent),
            alarms=CloudWatchAlarms(session),
            metrics=CloudWatchMetrics(session),
            logs=CloudWatchLogs(session),
            identity=StsIdentity(session),
            journals=journals,
            sink=sink,
            ask=ask,
            host=socket.gethostname(),
            run=self.ci_run,
            tool=self.tool,
            commit=self.ci_commit,
        )

    def halt_ports(
        self, *, sink: Sink, ask: Ask, journals: Journals, region: str | None = None, profile: str | None = None
    ) -> HaltPorts:
        """Everything that halting a function needs, with AWS clients made on first use."""
        import socket

        from lambdaops.aws.alarms import CloudWatchAlarms
        from lambdaops.aws.identity import StsIdentity
        from lambdaops.aws.levers import LambdaLevers
        from lambdaops.ports.halting import HaltPorts

        session = self.aws_session(region=region, profile=profile)
        return HaltPorts(
            clock=self.clock,
            levers=LambdaLevers(session),
            alarms=CloudWatchAlarms(session),
            identity=StsIdentity(session),
            journals=journals,
            sink=sink,
            ask=ask,
            host=socket.gethostname(),
            run=self.ci_run,
            tool=self.tool,
            commit=self.ci_commit,
        )

    def trail(self, *, region: str | None = None, profile: str | None = None) -> Trail:
        """CloudTrail's record of what was done to aliases."""
        from lambdaops.aws.trails import CloudTrail

        return CloudTrail(self.aws_session(region=region, profile=profile))

    def published(self, *, region: str | None = None, profile: str | None = None) -> PublishedVersions:
        """The published versions of functions, and what refers to them."""
        from lambdaops.aws.published import AwsPublishedVersions

        return AwsPublishedVersions(self.aws_session(region=region, profile=profile))

    def queues(self, *, region: str | None = None, profile: str | None = None) -> Queues:
        """SQS queues, for commands that only look."""
        from lambdaops.aws.queues import SqsQueues

        return SqsQueues(self.aws_session(region=region, profile=profile), self.clock)

    def answers(self, *, region: str | None = None, profile: str | None = None) -> Answers:
        """Calls that are made for their answer."""
        from lambdaops.aws.answers import AwsAnswers

        return AwsAnswers(self.aws_session(region=region, profile=profile))

    def failure_paths(self, *, region: str | None = None, profile: str | None = None) -> FailurePaths:
        """Where failed events of functions go."""
        from lambdaops.aws.failures import AwsFailurePaths

        return AwsFailurePaths(self.aws_session(region=region, profile=profile), self.clock)

    def dead_letter_ports(
        self,
        *,
        sink: Sink,
        ask: Ask,
        journals: Journals,
        region: str | None = None,
        profile: str | None = None,
        signals: Signals | None = None,
    ) -> DeadLetterPorts:
        """Everything that work on dead letters needs, with AWS clients made on first use."""
        import socket

        from lambdaops.aws.alarms import CloudWatchAlarms
        from lambdaops.aws.identity import StsIdentity
        from lambdaops.aws.invocations import LambdaInvocations
        from lambdaops.aws.moves import SqsMoves
        from lambdaops.aws.streams import AwsStreams
        from lambdaops.ports.queues import DeadLetterPorts

        session = self.aws_session(region=region, profile=profile)
        return DeadLetterPorts(
            clock=self.clock,
            signals=signals or NoSignals(),
            queues=self.queues(region=region, profile=profile),
            moves=SqsMoves(session),
            invocations=LambdaInvocations(session),
            streams=AwsStreams(session),
            alarms=CloudWatchAlarms(session),
            identity=StsIdentity(session),
            journals=journals,
            sink=sink,
            ask=ask,
            host=socket.gethostname(),
            run=self.ci_run,
            tool=self.tool,
            commit=self.ci_commit,
        )


def _open_what_was_closed() -> None:
    """Send the standard streams that this process was started without (``2>&-``) to nowhere.

    A stream that is missing must not end an operation half-way, and the next file to be opened would take its number:
    what is told to stderr would be written into a journal.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))  # noqa: PTH123, SIM115


def _working_directory() -> Path:
    """Where we are; the root when that was deleted under us (a CI workspace): a rollback needs none."""
    try:
        return Path.cwd()
    except OSError:
        return Path(os.sep)
