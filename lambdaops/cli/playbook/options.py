"""Options that commands on playbooks share."""

from __future__ import annotations

from typing import Annotated

import typer

from lambdaops.cli import complete
from lambdaops.cli.options import SAFETY, WHAT

PlaybookArgument = Annotated[
    str,
    typer.Argument(metavar="NAME|FILE", help="A playbook's name, or its file.", autocompletion=complete.playbooks),
]
RunArgument = Annotated[
    str,
    typer.Argument(
        metavar="RUN|NAME",
        help="The id of a run, or a playbook that has one open run.",
        autocompletion=complete.playbook_runs,
    ),
]
InputOption = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        "-i",
        metavar="NAME=VALUE",
        help="An input; lists by commas, or the same name again.",
        rich_help_panel=WHAT,
    ),
]
InputsOption = Annotated[
    str,
    typer.Option("--inputs", metavar="JSON", help="Inputs as one JSON object, for machines.", rich_help_panel=WHAT),
]
StopAlarmOption = Annotated[
    list[str] | None,
    typer.Option(
        "--stop-alarm",
        metavar="NAME",
        help="An alarm that stops the whole run: the step at work is asked to hold.",
        rich_help_panel=SAFETY,
        autocompletion=complete.alarms,
    ),
]
RepeatOption = Annotated[
    bool,
    typer.Option(
        "--repeat",
        help="Do a step again although it may have been done already (invoke).",
        rich_help_panel=SAFETY,
    ),
]
