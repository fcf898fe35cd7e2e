"""What steps may use that is no command: looks, waits, a call of a function, a person's yes.

Rules this file guarantees: ``aws`` reaches only calls that read, and none whose answer is a secret.
"""

from __future__ import annotations

from lambdaops.core.playbook.uses import Again, Parameter, Shape, Use, parameters

_ALARMS = ("cloudwatch:DescribeAlarms",)

CHECK = Use(
    "check",
    "Look at alarms once. Fails if one is in ALARM or missing, or says nothing; with fail: false it only tells.",
    parameters(
        Parameter("alarms", Shape.LIST, required=True, about="Names of CloudWatch alarms."),
        Parameter("fail", Shape.FLAG, about="Whether what is found can fail the step; true if left out."),
    ),
    outputs=("ok", "alarms", "in_alarm", "missing", "no_data"),
    calls=_ALARMS,
)
WAIT_FOR = Use(
    "wait-for",
    "Wait for a time, for alarms to be OK, or for a queue to be at most so full. Fails when it takes too long.",
    parameters(
        Parameter("time", about="Wait so long, such as 90s."),
        Parameter("alarms", Shape.LIST, about="Wait until each of these alarms is OK."),
        Parameter("queue", about="Wait until this queue has at most so many messages, hidden ones included."),
        Parameter("at-most", Shape.NUMBER, about="That many; 0 if left out."),
        Parameter("for", about="How long it must be so; at once if left out."),
        Parameter("within", about="How long to wait at most; 10m if left out."),
    ),
    stoppable=True,
    outputs=("waited_seconds", "messages", "alarms"),
    calls=(*_ALARMS, "sqs:GetQueueUrl", "sqs:GetQueueAttributes"),
)
ASSERT = Use(
    "assert",
    "Go on only if something is true.",
    parameters(
        Parameter("that", Shape.ANY, required=True, about="An expression; true is anything but null, false, empty."),
        Parameter("message", about="What is wrong if it is not."),
    ),
)
INVOKE = Use(
    "invoke",
    "Call a function through an alias and wait for its answer. Fails if it does; with fail: false it only tells.",
    parameters(
        Parameter("target", required=True, about="FUNCTION:ALIAS."),
        Parameter("payload", Shape.ANY, about="What it is given: any JSON; never journaled."),
        Parameter("select", about="A JMESPath of what is kept of its answer; nothing if left out."),
        Parameter("fail", Shape.FLAG, about="Whether an error of the function fails the step; true if left out."),
        Parameter("repeatable", Shape.FLAG, about="Whether calling it twice does no harm; false if left out."),
    ),
    changes=True,
    subject="target",
    outputs=("request", "version", "error", "selected"),
    calls=("lambda:Invoke",),
    again=Again.ASK,
)
AWS = Use(
    "aws",
    "Ask AWS something: a call that only reads.",
    parameters(
        Parameter("service", required=True, about="As boto3 calls it, such as lambda."),
        Parameter("call", required=True, about="As the API calls it, such as GetFunctionConcurrency."),
        Parameter("parameters", Shape.MAPPING, about="What it is given."),
        Parameter("select", about="A JMESPath of what is kept of the answer; all of it if left out."),
    ),
    outputs=("answer",),
)
APPROVE = Use(
    "approve",
    "Wait for somebody's yes: lambdaops playbook approve RUN, by somebody else than who began the run.",
    parameters(
        Parameter("message", required=True, about="What is to be approved."),
        Parameter("within", about="How long to wait at most; 1h if left out."),
        Parameter("self", Shape.FLAG, about="Whether who began the run may approve it; false if left out."),
        Parameter("yes", Shape.FLAG, about="Whether --yes of who begins the run approves it; false if left out."),
    ),
    stoppable=True,
    outputs=("approved_by", "reason"),
)
NOTE = Use(
    "note",
    "Write a line into the audit log.",
    parameters(Parameter("message", required=True, about="The line.")),
    outputs=("message",),
)

BUILTIN: dict[str, Use] = {use.name: use for use in (CHECK, WAIT_FOR, ASSERT, INVOKE, AWS, APPROVE, NOTE)}
"""By what ``uses`` says."""

ALLOWED_CALLS: dict[str, frozenset[str]] = {
    "cloudwatch": frozenset(
        {"DescribeAlarms", "DescribeAlarmHistory", "DescribeAlarmsForMetric", "GetMetricStatistics", "ListMetrics"}
    ),
    "dynamodb": frozenset({"DescribeTable", "DescribeTimeToLive", "DescribeContinuousBackups"}),
    "events": frozenset({"DescribeRule", "ListRules", "ListRuleNamesByTarget", "DescribeEventBus"}),
    "kinesis": frozenset({"DescribeStreamSummary", "ListShards"}),
    "lambda": frozenset(
        {
            "GetAccountSettings",
            "GetAlias",
            "GetEventSourceMapping",
            "GetFunctionConcurrency",
            "GetFunctionConfiguration",
            "GetFunctionEventInvokeConfig",
            "GetProvisionedConcurrencyConfig",
            "ListAliases",
            "ListEventSourceMappings",
            "ListFunctionEventInvokeConfigs",
            "ListProvisionedConcurrencyConfigs",
            "ListVersionsByFunction",
        }
    ),
    "sns": frozenset({"GetTopicAttributes", "ListSubscriptionsByTopic"}),
    "sqs": frozenset({"GetQueueAttributes", "GetQueueUrl", "ListDeadLetterSourceQueues", "ListMessageMoveTasks"}),
    "states": frozenset({"DescribeExecution", "ListExecutions"}),
    "sts": frozenset({"GetCallerIdentity"}),
}
"""The calls of ``aws``: every one reads. Values of secrets (SSM, Secrets Manager), objects of S3, items of tables,
messages of queues and lines of logs are payload, and no call gives them; a function's variables are left out of what is
kept (``ops/playbook``)."""

SECRET_KEYS = frozenset({"Environment", "ResponseMetadata"})
"""What is left out of every answer, wherever it stands in it: a function's variables hold secrets."""
