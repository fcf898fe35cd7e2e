"""Options that several commands share, each written once: name, help text, environment variable, panel."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from lambdaops.cli import complete

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


TargetArgument = Annotated[
    str,
    typer.Argument(metavar="TARGET", help="FUNCTION:ALIAS, or the ARN of an alias.", autocompletion=complete.targets),
]
FunctionArgument = Annotated[
    str, typer.Argument(metavar="FUNCTION", help="Name of the function.", autocompletion=complete.functions)
]
JournalArgument = Annotated[
    str,
    typer.Argument(
        metavar="TARGET",
        help="FUNCTION:ALIAS or an ARN whose journal is on this machine.",
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
    str,
    typer.Option(
        "--strategy",
        metavar="STRATEGY",
        envvar="LAMBDAOPS_STRATEGY",
        help="all-at-once, canary[:10%[:5m]], linear[:10%[:1m]], exponential[:1%[:2m]], a CodeDeploy name such as "
        "Linear10PercentEvery1Minute, or stages: 5%:2m,25%:5m,100%:10m.",
        rich_help_panel=WHAT,
        autocompletion=complete.strategies,
    ),
]
BakeOption = Annotated[
    str,
    typer.Option(
        "--bake",
        metavar="TIME",
        help="How long 100 % must stay good (not for written-out stages).",
        rich_help_panel=WHAT,
    ),
]
AlarmOption = Annotated[
    list[str] | None,
    typer.Option(
        "--alarm",
        metavar="NAME",
        help="A CloudWatch alarm that may object.",
        rich_help_panel=GATES,
        autocompletion=complete.alarms,
    ),
]
IgnoreAlarmOption = Annotated[
    list[str] | None,
    typer.Option(
        "--ignore-alarm",
        metavar="NAME",
        help="Report this alarm but do not act on it.",
        rich_help_panel=GATES,
        autocompletion=complete.alarms,
    ),
]
LookEveryOption = Annotated[
    str, typer.Option("--look-every", metavar="TIME", help="Longest time between two looks.", rich_help_panel=GATES)
]
PatienceOption = Annotated[
    str,
    typer.Option(
        "--patience", metavar="TIME", help="How long to wait for gates that cannot tell.", rich_help_panel=GATES
    ),
]
OnInconclusiveOption = Annotated[
    OnInconclusive,
    typer.Option("--on-inconclusive", help="What happens when patience ends.", rich_help_panel=GATES),
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
RegionOption = Annotated[
    str | None,
    typer.Option("--region", metavar="REGION", help="AWS region, else as boto3 finds it.", rich_help_panel=WHAT),
]
ProfileOption = Annotated[
    str | None,
    typer.Option("--profile", metavar="NAME", help="AWS profile, else as boto3 finds it.", rich_help_panel=WHAT),
]
OutputOption = Annotated[
    OutputFormat,
    typer.Option("--output", "-o", envvar="LAMBDAOPS_OUTPUT", help="Form of the result.", rich_help_panel=OUTPUT),
]
