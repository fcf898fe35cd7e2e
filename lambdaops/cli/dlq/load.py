"""``dlq load``: the letters of a file, back into a queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from lambdaops.cli.dlq.options import AgainOption, LetterFileArgument, LoadToOption, ResendDoubtfulOption
from lambdaops.cli.options import (
    ConfigOption,
    DryRunOption,
    EnvironmentOption,
    OutputFormat,
    OutputOption,
    Place,
    ProfileOption,
    ReasonOption,
    RegionOption,
    TicketOption,
    YesOption,
)
from lambdaops.cli.reply import Reply, answer, telling

if TYPE_CHECKING:
    from lambdaops.cli.env import Env
    from lambdaops.ops.dlq.load import LoadPlan


def add_to(group: typer.Typer) -> None:
    """Register the command."""
    group.command("load")(load)


def load(
    ctx: typer.Context,
    file: LetterFileArgument,
    to: LoadToOption = None,
    again: AgainOption = False,
    resend_doubtful: ResendDoubtfulOption = False,
    reason: ReasonOption = "",
    ticket: TicketOption = "",
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Send the letters of a file to a queue: the one that they were in, or another.

    Every line is checked before the first letter is sent. What is sent is on record: the same command again, after \
whatever ended it, sends what is left and nothing twice that is known to be sent. A loaded letter is a new message: \
SQS does not know any more which queue it had died in, so to have it tried again load it into that queue, with --to. \
Exit 9 if letters were not taken.

    \b
    # back to where they were
    lambdaops dlq load orders-dlq.jsonl
    # into the queue that they had come from, to be tried again
    lambdaops dlq load orders-dlq.jsonl --to orders --reason "INC-2210 is fixed"
    # only check the file
    lambdaops dlq load orders-dlq.jsonl --dry-run
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.cli.dlq.aim import aim_at_queue
        from lambdaops.cli.dlq.signals import stopping
        from lambdaops.core.codec import encode
        from lambdaops.core.errors import ExitCode, PartlyDoneError
        from lambdaops.ops.dlq.cargo import check
        from lambdaops.ops.dlq.load import load as run
        from lambdaops.ops.dlq.load import plan_load
        from lambdaops.render.letter_files import load_text
        from lambdaops.store.letters import LetterLines

        cargo = check(LetterLines(env.cwd / file))
        reach = aim_at_queue(env, to or cargo.home, Place(environment, config, region, profile), writes=True)
        if not dry_run:
            reach.require_reason(reason)
        with telling(env, output) as sink:
            left = "the same command again sends what is left"
            ports = reach.dead_letters(env, sink, yes=yes, signals=stopping(env, left))
            plan = plan_load(ports, cargo, reach.find(ports), again=again, resend=resend_doubtful)
            if dry_run:
                return _would(plan)
            found = run(ports, plan, reason, ticket)
        data = encode(found)
        assert isinstance(data, dict)  # noqa: S101 -- a dataclass encodes to an object
        command = f"lambdaops dlq load {file}" + (f" --to {reach.again}" if to else reach.environment)
        text = load_text(found, command)
        if found.interrupted:
            return Reply(text, data, ExitCode.INTERRUPTED)
        if found.missing:
            error = PartlyDoneError(
                f"{found.missing} of {found.letters} letters were not loaded", hint=f"{command} sends what is left."
            )
            return Reply(text, data, error.exit_code, error)
        return Reply(text, data)

    return answer(env, "dlq load", output, body)


def _would(plan: LoadPlan) -> Reply:
    name, file = plan.queue.name, plan.cargo.lines.name
    before = len(plan.before.sent)
    text = f"would send {plan.left} letters of {file} to {name}" + (f"; {before} were sent before" if before else "")
    data = {
        "queue": plan.queue.arn,
        "file": file,
        "letters": plan.cargo.letters,
        "before": before,
        "sent": 0,
        "changed": False,
    }
    return Reply(text, data)
