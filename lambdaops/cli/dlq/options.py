"""Options of the commands on dead letters."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lambdaops.cli import complete
from lambdaops.cli.options import OUTPUT, SAFETY, WHAT

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

NewFileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="The file to write, a letter a line (JSON).", show_default=False)
]
LetterFileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="A file that dlq dump or dlq purge wrote.", show_default=False)
]
ForceOption = Annotated[
    bool, typer.Option("--force", help="Write over FILE if it is there already.", rich_help_panel=SAFETY)
]
LoadToOption = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="QUEUE",
        help="A queue's name, URL or ARN, else the queue that the letters were in.",
        rich_help_panel=WHAT,
        autocompletion=complete.queues,
    ),
]
AgainOption = Annotated[
    bool, typer.Option("--again", help="Send everything, whatever was sent before.", rich_help_panel=SAFETY)
]
ResendDoubtfulOption = Annotated[
    bool,
    typer.Option(
        "--resend-doubtful",
        help="Send to a FIFO queue also what a process that died may have sent.",
        rich_help_panel=SAFETY,
    ),
]
DumpToOption = Annotated[
    Path | None,
    typer.Option(
        "--dump",
        metavar="FILE",
        help="Where the letters are written before they are deleted.",
        show_default="QUEUE-TIME.jsonl here",
        rich_help_panel=SAFETY,
    ),
]
NoDumpOption = Annotated[
    bool,
    typer.Option(
        "--no-dump",
        help="Keep nothing: SQS deletes everything, and what arrives within a minute too.",
        rich_help_panel=SAFETY,
    ),
]
