"""What steps may use of our own commands: what each changes, acts on, gives, and asks of AWS.

What such a step is given are the options of the command; they are read from the command itself. A test holds the calls
to docs/permissions.json, and the outputs to what the commands answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lambdaops.core.playbook.uses import Again, Spared

_ALIAS = ("lambda:GetAlias",)
_PREFLIGHT = (
    "lambda:GetFunction",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:GetMetricData",
    "lambda:ListEventSourceMappings",
    "lambda:GetPolicy",
    "lambda:GetProvisionedConcurrencyConfig",
)
_PUBLISH = ("lambda:ListVersionsByFunction", "lambda:UpdateFunctionCode", "lambda:PublishVersion")
_CODE = ("lambda:GetFunction", *_PUBLISH)
_MOVE = ("lambda:UpdateAlias",)
_LOGS = ("logs:FilterLogEvents",)
_TELL = ("sns:Publish", "events:PutEvents")
_WHO = ("sts:GetCallerIdentity",)
_QUEUE = ("sqs:GetQueueUrl", "sqs:GetQueueAttributes")
_RECEIVE = ("sqs:ReceiveMessage", "sqs:ChangeMessageVisibilityBatch")
_SEND = ("sqs:SendMessageBatch",)
_LEVERS = (
    "lambda:GetFunction",
    "lambda:ListEventSourceMappings",
    "lambda:ListAliases",
    "lambda:UpdateEventSourceMapping",
    "lambda:PutFunctionConcurrency",
)
_SURVEY = ("lambda:ListFunctions", "lambda:ListAliases")
_SQS_MOVES = ("sqs:StartMessageMoveTask", "sqs:CancelMessageMoveTask")
_REDRIVE = (
    "sqs:ListDeadLetterSourceQueues",
    "sqs:ListMessageMoveTasks",
    "sqs:DeleteMessageBatch",
    *_SQS_MOVES,
    "cloudwatch:DescribeAlarms",
    "lambda:Invoke",
    "kinesis:GetShardIterator",
    "kinesis:GetRecords",
)
_CHOOSING = ("filter", "transform", "edit", "older-than", "newer-than", "limit", "quarantine", "stop-alarm")
"""Options of a redrive that SQS's own move cannot heed (``core.dlq.native``)."""
_NO_ALARM = Spared(("cloudwatch:DescribeAlarms",), lacking=("stop-alarm",))


@dataclass(frozen=True)
class Command:
    """One command as a step.

    Attributes:
        words: how it is called.
        changes, stoppable, subject, outputs, calls, spared, again: as in :class:`~lambdaops.core.playbook.uses.Use`.
        without: options that a step may not give: what a payload would come out with, or what the run decides.
        called: other names for its arguments, by those they have in the command.
        mappings: options that take JSON, and are given a mapping.
    """

    words: tuple[str, ...]
    changes: bool = False
    stoppable: bool = False
    subject: str = ""
    outputs: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    spared: tuple[Spared, ...] = ()
    again: Again = Again.SAFE
    without: tuple[str, ...] = ()
    called: Mapping[str, str] = field(default_factory=dict)
    mappings: tuple[str, ...] = ()


_STEERED = ("target", "release", "phase", "reason", "changed", "environment")
_RELEASED = (
    "target",
    "release",
    "stable",
    "candidate",
    "outcome",
    "reason",
    "next",
    "changed",
    "environment",
    "logged",
)
_REDRIVEN = (
    "queue",
    "run",
    "outcome",
    "reason",
    "tally",
    "places",
    "problems",
    "unsure",
    "resumed",
    "changed",
    "native",
    "environment",
    "next",
)

COMMANDS: dict[str, Command] = {
    "release": Command(
        ("release",),
        changes=True,
        stoppable=True,
        subject="target",
        outputs=_RELEASED,
        calls=_WHO + _ALIAS + _CODE + _PREFLIGHT + _MOVE + _LOGS + _TELL,
        spared=(Spared(_PUBLISH, given=("to",)), Spared(_LOGS, off="read-logs")),
    ),
    "rollback": Command(
        ("rollback",),
        changes=True,
        subject="target",
        outputs=(
            "target",
            "function",
            "arn",
            "before",
            "after",
            "basis",
            "changed",
            "called_off",
            "dry_run",
            "environment",
        ),
        calls=_ALIAS + _MOVE + _WHO + _TELL,
    ),
    "promote": Command(("promote",), changes=True, subject="target", outputs=_STEERED, calls=_WHO),
    "pause": Command(("pause",), changes=True, subject="target", outputs=_STEERED, calls=_WHO),
    "resume": Command(
        ("resume",),
        changes=True,
        stoppable=True,
        subject="target",
        outputs=(*_RELEASED, "phase"),
        calls=_WHO + _ALIAS + ("cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData") + _MOVE + _LOGS + _TELL,
    ),
    "abort": Command(
        ("abort",),
        changes=True,
        subject="target",
        outputs=(*_STEERED, "signal"),
        calls=_WHO + _ALIAS + _MOVE + _TELL,
    ),
    "halt": Command(
        ("halt",),
        changes=True,
        subject="function",
        outputs=(
            "function",
            "halt",
            "halted",
            "before",
            "left",
            "not_stopped",
            "reserved",
            "changed",
            "environment",
            "next",
        ),
        calls=_WHO + _LEVERS + ("lambda:GetPolicy",),
        spared=(Spared(("lambda:PutFunctionConcurrency",), lacking=("all-invocations",)),),
    ),
    "unhalt": Command(
        ("unhalt",),
        changes=True,
        subject="function",
        outputs=(
            "function",
            "halt",
            "restored",
            "left",
            "halted",
            "reserved",
            "held",
            "over",
            "changed",
            "environment",
            "next",
        ),
        calls=_WHO + _LEVERS + ("cloudwatch:DescribeAlarms", "lambda:DeleteFunctionConcurrency"),
        spared=(_NO_ALARM,),
    ),
    "publish": Command(
        ("publish",),
        changes=True,
        subject="function",
        outputs=("function", "version", "new", "code_sha256", "description", "environment"),
        calls=_WHO + _CODE,
        spared=(Spared(("lambda:UpdateFunctionCode",), given=("latest",)),),
    ),
    "status": Command(
        ("status",),
        subject="target",
        outputs=(
            "target",
            "arn",
            "routing",
            "revision",
            "phase",
            "reason",
            "release",
            "next_step",
            "split_without_release",
            "alarms",
            "rollback_target",
            "driver",
            "stranded",
            "aliases",
            "halted",
        ),
        calls=(*_ALIAS, "cloudwatch:DescribeAlarms", *_WHO, *_SURVEY),
        spared=(Spared(_SURVEY, lacking=("all",)), Spared((*_ALIAS, "cloudwatch:DescribeAlarms"), given=("all",))),
        without=("watch",),
    ),
    "versions": Command(
        ("versions",),
        subject="target",
        outputs=("target", "versions"),
        calls=(*_ALIAS, "lambda:ListVersionsByFunction"),
    ),
    "prune": Command(
        ("prune",),
        changes=True,
        subject="function",
        outputs=("function", "deleted", "would_delete", "kept", "freed_bytes", "changed", "environment"),
        calls=(
            *_WHO,
            "lambda:ListVersionsByFunction",
            "lambda:ListAliases",
            "lambda:ListProvisionedConcurrencyConfigs",
            "lambda:ListFunctionEventInvokeConfigs",
            "lambda:GetPolicy",
            "lambda:ListEventSourceMappings",
            "lambda:ListDurableExecutionsByFunction",
            "lambda:DeleteFunction",
        ),
        spared=(Spared(("lambda:DeleteFunction",), lacking=("delete",)),),
    ),
    "notify": Command(
        ("notify", "send"),
        changes=True,
        outputs=("id", "headline", "level", "target", "channels", "environment"),
        calls=_WHO + _TELL,
    ),
    "dlq.list": Command(
        ("dlq", "list"),
        subject="function",
        outputs=("function", "alias", "at", "paths", "notes"),
        calls=(
            "lambda:ListVersionsByFunction",
            "lambda:ListAliases",
            "lambda:ListFunctionEventInvokeConfigs",
            "lambda:ListEventSourceMappings",
            *_QUEUE,
            "cloudwatch:GetMetricData",
        ),
        called={"whose": "function"},
    ),
    "dlq.inspect": Command(
        ("dlq", "inspect"),
        stoppable=True,
        subject="queue",
        outputs=(
            "queue",
            "at",
            "waiting",
            "hidden",
            "delayed",
            "looked",
            "complete",
            "by",
            "groups",
            "ages",
            "oldest",
            "expires",
            "retention",
            "max_receives",
            "dead_letters",
            "left",
            "letter",
            "still_hidden",
            "hidden_until",
            "interrupted",
        ),
        calls=_QUEUE + _RECEIVE,
        without=("message", "show-body"),
    ),
    "dlq.dump": Command(
        ("dlq", "dump"),
        changes=True,
        stoppable=True,
        subject="queue",
        outputs=("queue", "file", "letters", "complete", "missing", "still_hidden", "hidden_until", "interrupted"),
        calls=_QUEUE + _RECEIVE,
    ),
    "dlq.load": Command(
        ("dlq", "load"),
        changes=True,
        stoppable=True,
        subject="to",
        outputs=(
            "queue",
            "file",
            "letters",
            "sent",
            "before",
            "failures",
            "failed",
            "held_back",
            "doubtful",
            "left_in_doubt",
            "interrupted",
            "run",
        ),
        calls=_WHO + _QUEUE + _SEND,
    ),
    "dlq.redrive": Command(
        ("dlq", "redrive"),
        changes=True,
        stoppable=True,
        subject="queue",
        outputs=_REDRIVEN,
        calls=_WHO + _QUEUE + _RECEIVE + _SEND + _REDRIVE,
        spared=(_NO_ALARM, Spared(_SQS_MOVES, given=_CHOOSING, off="native")),
    ),
    "dlq.purge": Command(
        ("dlq", "purge"),
        changes=True,
        stoppable=True,
        subject="queue",
        outputs=("queue", "file", "deleted", "failed", "bounded", "interrupted", "run"),
        calls=_WHO + _QUEUE + _RECEIVE + ("sqs:DeleteMessageBatch", "sqs:PurgeQueue"),
        spared=(Spared(("sqs:PurgeQueue",), lacking=("no-dump",)),),
    ),
    "audit.verify": Command(
        ("audit", "verify"),
        outputs=("journals", "checkpoints"),
        calls=("s3:ListObjectsV2", "s3:GetObject"),
    ),
    "audit.checkpoint": Command(
        ("audit", "checkpoint"),
        changes=True,
        outputs=("number", "digest", "where", "records", "checkpoint"),
        calls=("s3:ListObjectsV2", "s3:GetObject", "s3:PutObject", "kms:Sign"),
    ),
    "audit.report": Command(
        ("audit", "report"),
        changes=True,
        outputs=(
            "file",
            "since",
            "until",
            "changes",
            "promotions",
            "promotions_per_day",
            "lead_time_seconds",
            "failure_rate",
            "time_to_restore_seconds",
        ),
    ),
    "run-playbook": Command(
        ("playbook", "run"),
        changes=True,
        stoppable=True,
        outputs=("run", "playbook", "outcome", "reason", "plan", "steps", "outputs", "changed", "environment", "next"),
        calls=_WHO,
        without=("input", "stop-alarm", "plan", "repeat"),
        mappings=("inputs",),
    ),
}
"""By what ``uses`` says."""

NEVER = frozenset({"yes", "dry-run", "output", "on-interrupt", "env", "config", "region", "profile", "help"})
"""Options that no step gives: the run decides them, and keeps to one environment."""
