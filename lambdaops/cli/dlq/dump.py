"""``dlq dump``: what is in a queue, into a file. Nothing is changed but the letters' receive counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from lambdaops.cli.dlq.options import ForceOption, NewFileArgument, QueueArgument
from lambdaops.cli.options import (
    ConfigOption,
    EnvironmentOption,
    OutputFormat,
    OutputOption,
    Place,
    ProfileOption,
    RegionOption,
    YesOption,
)
from lambdaops.cli.reply import Reply, answer, telling

if TYPE_CHECKING:
    from lambdaops.cli.env import Env


def add_to(group: typer.Typer) -> None:
    """Register the command."""
    group.command("dump")(dump)


def dump(
    ctx: typer.Context,
    queue: QueueArgument,
    file: NewFileArgument,
    force: ForceOption = False,
    yes: YesOption = False,
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Write every letter of a queue into a file, with everything that is needed to put it back. Nothing is deleted.

    The file is for you alone (mode 0600): it has the bodies. It gets its name when it is whole; until then, and when \
it is stopped, it ends in .partial. If SQS gives less than it counts, that is said, with exit 9. The letters are \
hidden from everybody else meanwhile, and each counts as received once more.

    \b
    lambdaops dlq dump orders-dlq orders-dlq.jsonl
    # only the bodies of those that timed out
    lambdaops dlq dump orders-dlq all.jsonl && jq -r 'select(.attributes.ErrorMessage.value | test("timed out")) | \
.body' all.jsonl
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.cli.dlq.aim import aim_at_queue
        from lambdaops.cli.dlq.signals import stopping
        from lambdaops.core.codec import encode
        from lambdaops.core.errors import ExitCode, PartlyDoneError
        from lambdaops.ops.dlq.cargo import check
        from lambdaops.ops.dlq.dump import dump as run
        from lambdaops.ops.dlq.dump import dumped_before
        from lambdaops.render.letter_files import dump_text
        from lambdaops.store.letters import LetterFile, LetterLines, own_files

        reach = aim_at_queue(env, queue, Place(environment, config, region, profile), writes=False)
        with telling(env, output) as sink:
            ports = reach.dead_letters(env, sink, yes=yes, signals=stopping(env, "the letters in hand come back"))
            queue_ = reach.find(ports)
            path, since = env.cwd / file, env.part.step.since if env.part is not None and env.again else None
            # What was written since the step began is the step's own: nobody else's file is ever written over.
            ours, whole = own_files(path, since) if since is not None else (False, False)
            before = dumped_before(check(LetterLines(path)), queue_) if whole else None
            found = before or run(ports, queue_, LetterFile(path, force or ours))
        data = encode(found)
        assert isinstance(data, dict)  # noqa: S101 -- a dataclass encodes to an object
        text = dump_text(found)
        if found.interrupted:
            return Reply(text, data, ExitCode.INTERRUPTED)
        if not found.complete:
            error = PartlyDoneError(f"not every letter is in {found.file}: {found.missing}", hint="Try again later.")
            return Reply(text, data, error.exit_code, error)
        return Reply(text, data)

    return answer(env, "dlq dump", output, body)
