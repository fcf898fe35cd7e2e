"""Options of ``dlq redrive`` and of the commands that steer one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lambdaops.cli import complete
from lambdaops.cli.options import GATES, SAFETY, WHAT

PACE = "Pace"

RunArgument = Annotated[
    str,
    typer.Argument(metavar="RUN|QUEUE", help="The id of a redrive, or its queue.", autocompletion=complete.redrives),
]
AnyRunArgument = Annotated[
    str,
    typer.Argument(
        metavar="[RUN|QUEUE]",
        help="The id of a redrive, or a queue; those that are not over if none is given.",
        show_default=False,
        autocompletion=complete.redrives,
    ),
]
ToOption = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="DEST",
        help="A queue, or FUNCTION:ALIAS; else each message goes to where it came from.",
        rich_help_panel=WHAT,
    ),
]
FilterOption = Annotated[
    str,
    typer.Option(
        "--filter", metavar="JMESPATH", help="Only messages for which this is true; others stay.", rich_help_panel=WHAT
    ),
]
TransformOption = Annotated[
    str, typer.Option("--transform", metavar="JMESPATH", help="Send what this gives.", rich_help_panel=WHAT)
]
EditOption = Annotated[
    Path | None,
    typer.Option(
        "--edit",
        metavar="FILE",
        help="Only the messages in this file of dlq dump, with the body and attributes that stand there.",
        rich_help_panel=WHAT,
    ),
]
OlderOption = Annotated[
    str | None, typer.Option("--older-than", metavar="TIME", help="Only older messages.", rich_help_panel=WHAT)
]
NewerOption = Annotated[
    str | None, typer.Option("--newer-than", metavar="TIME", help="Only newer messages.", rich_help_panel=WHAT)
]
LimitOption = Annotated[
    int, typer.Option("--limit", metavar="N", min=0, help="Move at most so many; 0: all.", rich_help_panel=WHAT)
]
QuarantineOption = Annotated[
    str | None,
    typer.Option(
        "--quarantine",
        metavar="QUEUE",
        help="Where messages go that have nowhere to go; else they stay.",
        rich_help_panel=WHAT,
        autocompletion=complete.queues,
    ),
]
RateOption = Annotated[
    str | None,
    typer.Option("--rate", metavar="N/s", help="At most so many: 5/s, 30/m, 100/h.", rich_help_panel=PACE),
]
StagesOption = Annotated[
    str, typer.Option("--stages", metavar="LIST", help="Totals to stop and watch at.", rich_help_panel=PACE)
]
WatchOption = Annotated[
    str | None,
    typer.Option(
        "--watch",
        metavar="TIME",
        help="How long a stage is watched; else as long as a message needs to come back, 5m at most.",
        rich_help_panel=PACE,
    ),
]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        "--workers",
        metavar="N",
        min=1,
        max=64,
        help="How many receive, send and delete at a time.",
        show_default="1 with --stop-alarm, else up to 16",
        rich_help_panel=PACE,
    ),
]
VisibilityOption = Annotated[
    str,
    typer.Option("--visibility", metavar="TIME", help="How long a message in hand stays hidden.", rich_help_panel=PACE),
]
NativeOption = Annotated[
    bool | None,
    typer.Option(
        "--native/--no-native",
        help="SQS's own move, which can less and stops late.",
        show_default="where it does exactly what is asked",
        rich_help_panel=PACE,
    ),
]
StopAlarmOption = Annotated[
    list[str] | None,
    typer.Option(
        "--stop-alarm",
        metavar="NAME",
        help="A CloudWatch alarm that stops it: at most one batch follows.",
        rich_help_panel=GATES,
        autocompletion=complete.alarms,
    ),
]
ReentryOption = Annotated[
    str,
    typer.Option("--max-reentry", metavar="SHARE", help="Stop when more than this comes back.", rich_help_panel=GATES),
]
ResendOption = Annotated[
    bool,
    typer.Option(
        "--resend-doubtful",
        help="Send messages again that may have been sent more than 4 minutes ago, and nobody knows.",
        rich_help_panel=SAFETY,
    ),
]
