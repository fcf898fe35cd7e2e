"""``dlq purge``: delete what is in a queue; by default into a file first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from lambdaops.cli.dlq.options import DumpToOption, NoDumpOption, QueueArgument
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
    from lambdaops.core.dlq.letter import Queue
    from lambdaops.store.letters import LetterFile


def add_to(group: typer.Typer) -> None:
    """Register the command."""
    group.command("purge")(purge)


def purge(
    ctx: typer.Context,
    queue: QueueArgument,
    dump: DumpToOption = None,
    no_dump: NoDumpOption = False,
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
    """Delete what is in a queue, each letter once it is safely in a file. Asks.

    What arrives meanwhile stays in the queue, or is in the file. dlq load puts the letters back. With --no-dump SQS \
deletes everything by itself: nothing is kept, it takes up to a minute, and what arrives in that minute may be \
deleted too.

    \b
    lambdaops dlq purge orders-dlq --reason "test data"
    lambdaops dlq purge orders-dlq --dump /backup/orders-dlq.jsonl --yes
    # keep nothing
    lambdaops dlq purge orders-dlq --no-dump
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.cli.dlq.aim import aim_at_queue
        from lambdaops.cli.dlq.signals import stopping
        from lambdaops.core.codec import encode
        from lambdaops.core.errors import ExitCode, PartlyDoneError, UsageError
        from lambdaops.ops.dlq.purge import purge as run
        from lambdaops.ops.dlq.purge import purged_before
        from lambdaops.render.letter_files import purge_text
        from lambdaops.store.letters import LetterFile, beside

        if dump is not None and no_dump:
            raise UsageError("--dump and --no-dump exclude each other", hint="Give one of them.")
        reach = aim_at_queue(env, queue, Place(environment, config, region, profile), writes=True)
        if not dry_run:
            reach.require_reason(reason)
        usual = f"{reach.name}-{env.clock.now():%Y%m%dT%H%M%SZ}.jsonl"
        path = env.cwd / (dump or usual)
        pages = None if no_dump else LetterFile(beside(path) if env.again else path, safe=True)
        with telling(env, output) as sink:
            left = "what was deleted is in the file" if pages else "SQS may be purging already"
            ports = reach.dead_letters(env, sink, yes=yes, signals=stopping(env, left))
            found = reach.find(ports)
            if dry_run:
                return _would(found, pages)
            before = purged_before(ports, found) if env.again else None
            done = before or run(ports, found, pages, reason, ticket)
        data = encode(done)
        assert isinstance(data, dict)  # noqa: S101 -- a dataclass encodes to an object
        text = purge_text(done)
        if done.interrupted:
            return Reply(text, data, ExitCode.INTERRUPTED)
        if done.failed:
            error = PartlyDoneError(
                f"{done.failed} letters are in {done.file} and still in {found.name}: SQS would not delete them",
                hint=f"Run lambdaops dlq purge {reach.again} again, into another file.",
            )
            return Reply(text, data, error.exit_code, error)
        return Reply(text, data)

    return answer(env, "dlq purge", output, body)


def _would(queue: Queue, pages: LetterFile | None) -> Reply:
    kept = f"each once it is in {pages.name}" if pages else "without keeping them"
    data = {
        "queue": queue.arn,
        "file": pages.name if pages else "",
        "deleted": 0,
        "total": queue.total,
        "changed": False,
    }
    return Reply(f"would delete about {queue.total} letters of {queue.name}, {kept}", data)
