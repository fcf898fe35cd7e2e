"""The configuration file as pydantic models: every key, its type and its meaning. JSON Schema and docs come from here.

Unknown keys are refused, nothing is converted, and a key with nothing behind it is a mistake except where a section may
be empty.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from lambdaops.config.words import (
    NOTHING,
    AccountId,
    Alarm,
    AliasName,
    Alpha,
    Bus,
    Comparisons,
    Duration,
    EnvironmentName,
    FunctionName,
    Interval,
    Moment,
    Observed,
    Period,
    Profile,
    Region,
    Stages,
    Store,
    Strategy,
    StrategyName,
    Tolerance,
    Topic,
    Variable,
    Version,
    Zone,
    mistake,
    ours,
    parse_moment,
)
from lambdaops.core.comparison import parse_period
from lambdaops.core.errors import LambdaOpsError
from lambdaops.core.metric_gates import Metric, MetricGate, metric_gate

MomentName = Literal["started", "held", "rolled-back", "promoted"]


def _kebab(name: str) -> str:
    return name.strip("_").replace("_", "-")


class Table(BaseModel):
    """A mapping of the file."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, alias_generator=_kebab)
    may_be_empty: ClassVar[frozenset[str]] = frozenset()

    @field_validator("*", mode="before")
    @classmethod
    def _said(cls, value: object, info: ValidationInfo) -> object:
        if value is None and info.field_name not in cls.may_be_empty:
            raise mistake(*NOTHING)
        return value


class MetricSettings(Table):
    """A metric of CloudWatch, or metric math, that may object."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["namespace", "metric", "stat"]}, {"required": ["expression"]}]}
    )

    name: Annotated[str, Field(min_length=1, max_length=100)] = Field(description="What people call it.")
    namespace: str | None = Field(None, description="The metric's namespace, such as AWS/SQS.")
    metric: str | None = Field(None, description="The metric's name.")
    stat: str | None = Field(None, description="Sum, Average, Minimum, Maximum, SampleCount, or as p99.")
    dimensions: dict[str, str] | None = Field(
        None,
        description="Exactly those that the metric is published with. {function}, {alias}, {environment}, {stable} and "
        "{candidate} are filled in.",
    )
    expression: str | None = Field(
        None,
        description="Metric math over metrics in brackets: 100 * [AWS/SQS A Sum QueueName=q] / [AWS/SQS B Sum "
        "QueueName=q]; or a Metrics Insights query.",
    )
    fails_when: str = Field(description="When it objects: >, >=, < or <= and a number, such as > 5.")
    for_: Annotated[int, Field(ge=1, le=100)] | None = Field(
        None, description="How many periods in a row it must be so: 1 if left out."
    )
    period: Period | None = Field(None, description="The length of its periods, else the function's period.")
    observe: bool | None = Field(None, description="true: it is told and never acted on.")

    @model_validator(mode="after")
    def _can_be(self) -> MetricSettings:
        parts = (self.namespace, self.metric, self.stat, self.dimensions)
        if self.expression is not None and any(part is not None for part in parts):
            raise mistake("a metric and an expression exclude each other", "Put the metric into the expression.")
        if self.expression is None and None in parts[:3]:
            raise mistake("a metric has a namespace, a metric and a stat", "Or it has an expression.")
        try:
            self.gate(timedelta(minutes=1))
        except LambdaOpsError as error:
            raise ours(error) from None
        return self

    def gate(self, usual: timedelta) -> MetricGate:
        """The gate; ``usual`` is the period where it says none.

        Raises:
            InvalidMetricError: something in it cannot be.
        """
        expression = self.expression
        if expression is None:
            named = tuple((self.dimensions or {}).items())
            expression = str(Metric(self.namespace or "", self.metric or "", self.stat or "", named))
        period = parse_period(self.period) if self.period is not None else usual
        gate = metric_gate(self.name, expression.strip(), self.fails_when, str(self.for_ or 1), period)
        return replace(gate, acts=not self.observe)


class FunctionSettings(Table):
    """How a function is released."""

    alias: AliasName | None = Field(None, description="The alias that a release moves, where TARGET is only a name.")
    strategy: Strategy | None = Field(
        None,
        description="How traffic is shifted: a strategy of this file, all-at-once, canary[:10%[:5m]], "
        "linear[:10%[:1m]], exponential[:1%[:2m]], adaptive[:1h], a CodeDeploy name such as "
        "Linear10PercentEvery1Minute, or stages such as 5%:2m,25%:5m,100%:10m.",
    )
    bake: Duration | None = Field(None, description="How long 100 % must stay good (not for written-out stages).")
    alarms: list[Alarm] | None = Field(
        None,
        description="The CloudWatch alarms that may object: names, or shell patterns (*, ?, [..]). {function}, {alias} "
        "and {environment} are filled in.",
    )
    ignore_alarms: list[Alarm] | None = Field(
        None, description="Alarms that are reported but not acted on: names or patterns, as in alarms."
    )
    look_every: Interval | None = Field(None, description="The longest time between two looks at the gates.")
    patience: Duration | None = Field(None, description="How long to wait for gates that cannot tell.")
    on_inconclusive: Literal["rollback", "hold", "promote"] | None = Field(
        None, description="What happens when patience ends; promote goes on where data is missing."
    )
    compare: Comparisons | None = Field(
        None, description="What of both versions is compared: errors, throttles, latency:TIME, by commas; or none."
    )
    tolerance: Tolerance | None = Field(
        None, description="How many times the stable version's rate of bad requests the candidate may have."
    )
    alpha: Alpha | None = Field(
        None, description="The chance that comparing takes back a good version, for a release as a whole."
    )
    min_requests: Annotated[int, Field(ge=0, le=1_000_000)] | None = Field(
        None,
        description="Requests of the candidate that each stage must see before it may end, unless the judge is sure.",
    )
    period: Period | None = Field(
        None, description="The length of a metric period: 1s, 5s, 10s, 30s where metrics are that fine, or minutes."
    )
    metrics: list[MetricSettings] | None = Field(
        None, description="Metrics of CloudWatch, or metric math over them, that may object."
    )
    observe: Observed | None = Field(
        None, description="Comparisons and metrics that are told and never acted on, by commas; or all."
    )
    read_logs: bool | None = Field(
        None, description="Whether the candidate's error messages are told after a rollback, without their data."
    )
    reason: Literal["required", "optional"] | None = Field(
        None, description="Whether release, publish and promote need --reason; rollback never does."
    )


class FreezeSettings(Table):
    """A time in which no release begins. A rollback always may."""

    name: Annotated[str, Field(min_length=1, max_length=100)] = Field(description="What people call it.")
    from_: Moment = Field(description="When it begins: Fri 16:00 every week, or 2026-12-20T00:00 once.")
    to: Moment = Field(description="When it ends, in the same form as from.")
    timezone: Zone = Field(description="Whose clocks: a name like Europe/Berlin, or UTC.")

    @model_validator(mode="after")
    def _fits(self) -> FreezeSettings:
        start, end = parse_moment(self.from_), parse_moment(self.to)
        if type(start) is not type(end):
            raise mistake("from and to are of two kinds", "Write both as Fri 16:00, or both as 2026-12-20T00:00.")
        if start == end:
            raise mistake("from and to are the same: the window is empty, or has no end", "Say when it ends.")
        if isinstance(start, datetime) and isinstance(end, datetime) and start > end:
            raise mistake("it ends before it begins", "Exchange from and to.")
        return self


class SlackSettings(Table):
    """An incoming webhook of Slack."""

    url_from_env: Variable = Field(description="The environment variable that holds the webhook's URL, a secret.")


class SnsSettings(Table):
    """A topic of SNS."""

    topic: Topic = Field(description="The topic's ARN.")


class EventBridgeSettings(Table):
    """An event bus of EventBridge."""

    bus: Bus = Field(description="Name or ARN of the bus; default is the account's own.")


class NotifySettings(Table):
    """Who is told of a release: exactly one of slack, sns and eventbridge."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": [channel]} for channel in ("slack", "sns", "eventbridge")]}
    )

    slack: SlackSettings | None = Field(None, description="Tell a Slack channel.")
    sns: SnsSettings | None = Field(None, description="Tell an SNS topic.")
    eventbridge: EventBridgeSettings | None = Field(None, description="Put events on a bus of EventBridge.")
    on: Annotated[list[MomentName], Field(min_length=1)] | None = Field(
        None, description="Of what: started, held, rolled-back, promoted. All of them if left out."
    )

    @model_validator(mode="after")
    def _one(self) -> NotifySettings:
        if sum(channel is not None for channel in (self.slack, self.sns, self.eventbridge)) != 1:
            raise mistake("each entry tells exactly one of slack, sns and eventbridge", "Make one entry of each.")
        return self


class CheckpointSettings(Table):
    """Where the audit log is anchored after every release; signed with sign-with or kms, if either is said."""

    model_config = ConfigDict(json_schema_extra={"not": {"required": ["sign-with", "kms"]}})

    to: Annotated[str, Field(min_length=1)] = Field(description="s3://BUCKET/PREFIX, or a directory.")
    sign_with: Annotated[str, Field(min_length=1)] | None = Field(
        None, description="The file of a private key, from lambdaops audit keygen."
    )
    kms: Annotated[str, Field(min_length=1)] | None = Field(None, description="A key of AWS KMS, as alias/audit.")
    retain_days: Annotated[int, Field(ge=1, le=36_500)] | None = Field(
        None, description="How long S3 Object Lock keeps each; the bucket's own rule if left out."
    )

    @model_validator(mode="after")
    def _one_key(self) -> CheckpointSettings:
        if self.sign_with is not None and self.kms is not None:
            raise mistake("sign-with and kms exclude each other", "Keep one of them.")
        return self


class EnvironmentSettings(Table):
    """An account and region, and what is otherwise there."""

    may_be_empty: ClassVar[frozenset[str]] = frozenset({"functions"})

    account: AccountId = Field(description="The account id, in quotes. A command in another account is refused.")
    region: Region = Field(description="The region. A command in another region is refused.")
    profile: Profile | None = Field(None, description="The AWS profile to use; --profile wins.")
    confirm: Literal["ask", "type-target"] | None = Field(
        None, description="How a change is confirmed on a terminal: a yes, or the target typed out."
    )
    functions: dict[FunctionName, FunctionSettings | None] | None = Field(
        None, description="What is otherwise for functions of this file in this environment."
    )
    freeze: list[FreezeSettings] | None = Field(None, description="Times in which no release begins here.")
    notify: list[NotifySettings] | None = Field(
        None, description="Who is told of releases here, instead of the file's notify."
    )
    store: Store | None = Field(
        None, description="Where this environment's journals are kept, if not where the file's."
    )
    checkpoint: CheckpointSettings | None = Field(None, description="Where they are anchored after every release.")


class File(Table):
    """How the functions of this directory are released with lambdaops."""

    may_be_empty: ClassVar[frozenset[str]] = frozenset({"defaults", "strategies", "functions", "environments"})

    version: Version = Field(description="The version of this format: 1.")
    defaults: FunctionSettings | None = Field(None, description="What holds for every function that says nothing else.")
    strategies: dict[StrategyName, Stages] | None = Field(
        None, description="Strategies with names of your own, for strategy and --strategy."
    )
    functions: dict[FunctionName, FunctionSettings | None] | None = Field(
        None, description="The functions, by their names in AWS."
    )
    environments: dict[EnvironmentName, EnvironmentSettings] | None = Field(
        None, description="Accounts and regions by name, chosen with --env."
    )
    notify: list[NotifySettings] | None = Field(None, description="Who is told of releases.")
    playbooks: Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1)] | None = Field(
        None, description="Directories with playbooks, from where this file is; ./playbooks is always looked at."
    )
    store: Store | None = Field(
        None, description="Where journals are kept: files of this machine, or dynamodb://TABLE for a team."
    )
    checkpoint: CheckpointSettings | None = Field(
        None, description="Where the audit log is anchored after every release."
    )


def validate(data: object) -> File:
    """Check data against the models.

    Raises:
        pydantic.ValidationError: with everything that is wrong.
    """
    known: dict[str, Any] = data if isinstance(data, dict) else {}
    context = {name: _names(known.get(name)) for name in ("strategies", "environments")}
    return File.model_validate(data, context=context)


def _names(section: object) -> tuple[str, ...]:
    return tuple(section) if isinstance(section, dict) else ()
