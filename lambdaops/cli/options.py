"""Options that several commands share, each written once: name, help text, environment variable, panel."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from lambdaops.cli import complete, defaults

WHAT, SAFETY, GATES, OUTPUT = "What", "Safety", "Gates", "Output"


class OutputFormat(enum.StrEnum):
    """How results are written to stdout."""

    TEXT = "text"
    JSON = "json"
    JSONL = "jsonl"


class OnInterrupt(enum.StrEnum):
    """What a first Ctrl-C or SIGTERM does to a running release."""

    HOLD = "hold"
    ROLLBACK = "rollback"


class OnInconclusive(enum.StrEnum):
    """What the end of patience does."""

    HOLD = "hold"
    ROLLBACK = "rollback"
    PROMOTE = "promote"


@dataclass(frozen=True)
class Place:
    """Where a command acts, in the words of its command line."""

    environment: str | None = None
    config: Path | None = None
    region: str | None = None
    profile: str | None = None


TargetArgument = Annotated[
    str,
    typer.Argument(
        metavar="TARGET",
        help="FUNCTION:ALIAS, the ARN of an alias, or FUNCTION if lambdaops.yaml says the alias.",
        autocompletion=complete.targets,
    ),
]
FunctionArgument = Annotated[
    str, typer.Argument(metavar="FUNCTION", help="Name of the function.", autocompletion=complete.functions)
]
JournalArgument = Annotated[
    str,
    typer.Argument(
        metavar="TARGET",
        help="FUNCTION:ALIAS or an ARN that has a journal, here or in the team's store.",
        autocompletion=complete.journals,
    ),
]

AnyJournalArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[TARGET]",
        help="FUNCTION:ALIAS or an ARN; all journals if none is given.",
        autocompletion=complete.journals,
    ),
]

ToOption = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="VERSION",
        help="The published version to go to.",
        rich_help_panel=WHAT,
        autocompletion=complete.versions,
    ),
]
ZipOption = Annotated[
    Path | None, typer.Option("--zip", metavar="FILE", help="Publish this zip first.", rich_help_panel=WHAT)
]
S3Option = Annotated[
    str | None,
    typer.Option("--s3", metavar="s3://BUCKET/KEY[@VERSION]", help="Publish this object first.", rich_help_panel=WHAT),
]
ImageOption = Annotated[
    str | None, typer.Option("--image", metavar="URI", help="Publish this image first.", rich_help_panel=WHAT)
]
StrategyOption = Annotated[
    str | None,
    typer.Option(
        "--strategy",
        metavar="STRATEGY",
        envvar="LAMBDAOPS_STRATEGY",
        help="all-at-once, canary[:10%[:5m]], linear[:10%[:1m]], exponential[:1%[:2m]], adaptive[:1h], a CodeDeploy "
        "name such as Linear10PercentEvery1Minute, stages: 5%:2m,25%:5m,100%:10m, or a strategy of lambdaops.yaml.",
        show_default=f"lambdaops.yaml, else {defaults.STRATEGY}",
        rich_help_panel=WHAT,
        autocompletion=complete.strategies,
    ),
]
BakeOption = Annotated[
    str | None,
    typer.Option(
        "--bake",
        metavar="TIME",
        help="How long 100 % must stay good (not for written-out stages).",
        show_default=f"lambdaops.yaml, else {defaults.BAKE}",
        rich_help_panel=WHAT,
    ),
]
AlarmOption = Annotated[
    list[str] | None,
    typer.Option(
        "--alarm",
        metavar="NAME",
        help="A CloudWatch alarm that may object; replaces those of lambdaops.yaml.",
        rich_help_panel=GATES,
        autocompletion=complete.alarms,
    ),
]
IgnoreAlarmOption = Annotated[
    list[str] | None,
    typer.Option(
        "--ignore-alarm",
        metavar="NAME",
        help="Report this alarm but do not act on it; replaces those of lambdaops.yaml.",
        rich_help_panel=GATES,
        autocompletion=complete.alarms,
    ),
]
LookEveryOption = Annotated[
    str | None,
    typer.Option(
        "--look-every",
        metavar="TIME",
        help="Longest time between two looks.",
        show_default=f"lambdaops.yaml, else {defaults.LOOK_EVERY}",
        rich_help_panel=GATES,
    ),
]
PatienceOption = Annotated[
    str | None,
    typer.Option(
        "--patience",
        metavar="TIME",
        help="How long to wait for gates that cannot tell.",
        show_default=f"lambdaops.yaml, else {defaults.PATIENCE}",
        rich_help_panel=GATES,
    ),
]
OnInconclusiveOption = Annotated[
    OnInconclusive | None,
    typer.Option(
        "--on-inconclusive",
        help="What happens when patience ends.",
        show_default=f"lambdaops.yaml, else {defaults.ON_INCONCLUSIVE}",
        rich_help_panel=GATES,
    ),
]
ReleaseArgument = Annotated[
    str, typer.Argument(metavar="[RELEASE]", help="The id of a release; else the last one.", show_default=False)
]
NewestOption = Annotated[
    int,
    typer.Option("--limit", min=0, metavar="N", help="The newest N; 0 for all there are.", show_default="20"),
]
ExplainOption = Annotated[bool, typer.Option("--explain", help="What was seen and decided, minute by minute.")]
CompareOption = Annotated[
    str | None,
    typer.Option(
        "--compare",
        metavar="LIST",
        help="Compare both versions: errors, throttles, latency:TIME, by commas; none judges nothing.",
        show_default=f"lambdaops.yaml, else {defaults.COMPARE}",
        rich_help_panel=GATES,
    ),
]
ToleranceOption = Annotated[
    str | None,
    typer.Option(
        "--tolerance",
        metavar="X",
        help="How many times the stable version's rate the candidate may have.",
        show_default=f"lambdaops.yaml, else {defaults.TOLERANCE}",
        rich_help_panel=GATES,
    ),
]
AlphaOption = Annotated[
    str | None,
    typer.Option(
        "--alpha",
        metavar="P",
        help="Chance that comparing takes back a good version.",
        show_default=f"lambdaops.yaml, else {defaults.ALPHA}",
        rich_help_panel=GATES,
    ),
]
MinRequestsOption = Annotated[
    str | None,
    typer.Option(
        "--min-requests",
        metavar="N",
        help="Requests of the candidate that each stage must see, unless the judge is sure.",
        show_default=f"lambdaops.yaml, else {defaults.MIN_REQUESTS}",
        rich_help_panel=GATES,
    ),
]
MetricOption = Annotated[
    list[str] | None,
    typer.Option(
        "--metric",
        metavar="GATE",
        help='A metric or metric math with a threshold: "backlog: [AWS/SQS NumberOfMessagesSent Sum QueueName=q] > 5 '
        'for 3"; replaces those of lambdaops.yaml.',
        rich_help_panel=GATES,
    ),
]
ObserveOption = Annotated[
    str | None,
    typer.Option(
        "--observe",
        metavar="LIST",
        help="Comparisons and metrics that are told and never acted on, by commas, or all.",
        show_default="lambdaops.yaml, else none",
        rich_help_panel=GATES,
    ),
]
ReadLogsOption = Annotated[
    bool | None,
    typer.Option(
        "--read-logs/--no-read-logs",
        help="After a rollback, tell the candidate's most frequent error messages, without their data.",
        show_default="lambdaops.yaml, else yes",
        rich_help_panel=OUTPUT,
    ),
]
PeriodOption = Annotated[
    str | None,
    typer.Option(
        "--period",
        metavar="TIME",
        help="Length of a metric period; below 1m only where metrics are that fine.",
        show_default=f"lambdaops.yaml, else {defaults.PERIOD}",
        rich_help_panel=GATES,
    ),
]
OverrideFreezeOption = Annotated[
    str | None,
    typer.Option(
        "--override-freeze",
        metavar="TEXT",
        help="Begin although releases are frozen, and say why; kept in the audit log.",
        rich_help_panel=SAFETY,
    ),
]
ReasonOption = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why; kept in the audit log.", rich_help_panel=SAFETY)
]
TicketOption = Annotated[
    str,
    typer.Option("--ticket", metavar="ID", help="Ticket or change id; kept in the audit log.", rich_help_panel=SAFETY),
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.", rich_help_panel=SAFETY)]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Read and tell, write nothing.", rich_help_panel=SAFETY)]
OnInterruptOption = Annotated[
    OnInterrupt | None,
    typer.Option(
        "--on-interrupt",
        help="What Ctrl-C and SIGTERM do. Default: Ctrl-C on a terminal holds, anything else rolls back.",
        rich_help_panel=SAFETY,
    ),
]
EnvironmentOption = Annotated[
    str | None,
    typer.Option(
        "--env",
        metavar="NAME",
        envvar="LAMBDAOPS_ENV",
        help="Environment of lambdaops.yaml: account, region and what is otherwise there.",
        rich_help_panel=WHAT,
        autocompletion=complete.environments,
    ),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        envvar="LAMBDAOPS_CONFIG",
        help="The configuration file, else lambdaops.yaml here or above in the repository.",
        rich_help_panel=WHAT,
    ),
]
RegionOption = Annotated[
    str | None,
    typer.Option(
        "--region",
        metavar="REGION",
        help="AWS region, else the environment's, else as boto3 finds it.",
        rich_help_panel=WHAT,
    ),
]
ProfileOption = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="NAME",
        help="AWS profile, else the environment's, else as boto3 finds it.",
        rich_help_panel=WHAT,
    ),
]
OutputOption = Annotated[
    OutputFormat,
    typer.Option("--output", "-o", envvar="LAMBDAOPS_OUTPUT", help="Form of the result.", rich_help_panel=OUTPUT),
]
