"""Options of the commands on dead letters."""

from __future__ import annotations

from typing import Annotated

import typer

from lambdaops.cli import complete
from lambdaops.cli.options import OUTPUT, WHAT

QueueArgument = Annotated[
    str, typer.Argument(metavar="QUEUE", help="A queue's name, URL or ARN.", autocompletion=complete.queues)
]
SampleOption = Annotated[
    int,
    typer.Option("--sample", metavar="N", min=1, max=10_000, help="How many letters to look at.", rich_help_panel=WHAT),
]
GroupByOption = Annotated[
    str,
    typer.Option(
        "--group-by",
        metavar="LIST",
        help="Group by these, in this order: error, function, kind, age.",
        rich_help_panel=OUTPUT,
    ),
]
MessageOption = Annotated[
    str,
    typer.Option(
        "--message",
        metavar="ID|N",
        help="Show one letter of the sample whole: by its id, or by its number in it.",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]
ShowBodyOption = Annotated[
    bool,
    typer.Option(
        "--show-body",
        help="With --message: show body and attributes as they are, not only their shape.",
        rich_help_panel=OUTPUT,
    ),
]
