"""``store init|copy``: where a team keeps its journals."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lambdaops.cli.options import (
    ConfigOption,
    DryRunOption,
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
    from lambdaops.cli.reach import Reach
    from lambdaops.core.stores import TableStore

_group = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)

StoreArgument = Annotated[
    str,
    typer.Argument(
        metavar="[STORE]",
        help="dynamodb://TABLE, or dynamodb://TABLE?region=REGION; that of the configuration if left out.",
    ),
]
TemplateOption = Annotated[
    bool, typer.Option("--cloudformation", help="Print a CloudFormation template of the table instead of making it.")
]
FilesOption = Annotated[
    Path | None,
    typer.Option("--from", metavar="HOME", help="The LAMBDAOPS_HOME to copy from; this machine's if left out."),
]


def add_to(app: typer.Typer) -> None:
    """Register the group."""
    app.add_typer(_group, name="store", help="Where a team keeps its journals.")


@_group.command("init")
def init(
    ctx: typer.Context,
    store: StoreArgument = "",
    cloudformation: TemplateOption = False,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Make the DynamoDB table of a team's journals: paid by request, restorable, protected from deletion.

    Safe to run again: what is right already is left alone. Afterwards put store: dynamodb://TABLE into \
lambdaops.yaml, or set LAMBDAOPS_STORE.

    \b
    lambdaops store init dynamodb://lambdaops --yes
    # let CloudFormation make it
    lambdaops store init dynamodb://lambdaops --cloudformation > journals.yaml
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.core.stores import cloudformation as template
        from lambdaops.ops.stores import make_table, missing, require_fit

        reach, table = _meant(env, "init", store, Place(environment, config, region, profile))
        if cloudformation:
            text = template(table)
            return Reply(text, {"store": str(table), "template": text, "changed": False})
        with telling(env, output) as sink:
            ports = reach.ports(env, sink, yes=yes)
            reach.require_caller(ports)
            admin = env.table_admin(table, region=reach.region, profile=reach.profile)
            facts = admin.facts()
            require_fit(facts, table.table)
            steps = missing(facts)
            data = {"store": str(table), "steps": list(steps), "changed": bool(steps) and not dry_run}
            if not steps:
                return Reply(f"{table} is there already, restorable and protected", data)
            if dry_run:
                return Reply(f"would do for the table {table.table}: {', '.join(steps)}", {**data, "dry_run": True})
            ports.ask.confirm(f"Do this for the table {table.table}: {', '.join(steps)}?")
            make_table(admin, table.table, ports.clock, sink)
        return Reply(
            f"{table} is ready. Use it with this line of lambdaops.yaml, or LAMBDAOPS_STORE:\nstore: {table}", data
        )

    return answer(env, "store init", output, body)


@_group.command("copy")
def copy(
    ctx: typer.Context,
    store: StoreArgument = "",
    source: FilesOption = None,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Copy the journals of this machine into a team's table, line by line, so that their chains stay what they are.

    Each journal is verified first. The files stay. Safe to run again: only what is missing is added; a journal that \
the table has with another history is refused.

    \b
    lambdaops store copy dynamodb://lambdaops --dry-run
    lambdaops store copy dynamodb://lambdaops --yes
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.core.codec import encode
        from lambdaops.core.errors import UsageError
        from lambdaops.core.notices import Progress
        from lambdaops.store.copying import copy_journal
        from lambdaops.store.files import FileJournals

        reach, table = _meant(env, "copy", store, Place(environment, config, region, profile))
        if source is not None and not (env.cwd / source).is_dir():
            raise UsageError(f"{source} is no directory", hint="Give the LAMBDAOPS_HOME whose journals are meant.")
        files = FileJournals(env.cwd / source) if source is not None else env.files
        target = env.table(table, region=reach.region, profile=reach.profile)
        arns = [arn for arn in files.targets() if reach.account in (None, arn.split(":")[4])]
        with telling(env, output) as sink:
            ports = reach.ports(env, sink, yes=yes)
            reach.require_caller(ports)
            planned = tuple(copy_journal(files, arn, target, dry=True) for arn in arns)
            count = sum(one.added for one in planned)
            if not dry_run and count:
                ports.ask.confirm(f"Copy {count} records of {len(arns)} journals into {table}?")
                for number, arn in enumerate(arns, 1):
                    copy_journal(files, arn, target)
                    sink.emit(Progress(ports.clock.now(), f"{number} of {len(arns)} journals: {arn}"))
        lines = [
            f"{one.arn}: {one.records} records, {one.added} {'missing' if dry_run else 'added'}" for one in planned
        ]
        said = "\n".join(lines) if lines else "this machine has no journals"
        data = {"store": str(table), "journals": encode(planned), "changed": bool(count) and not dry_run}
        return Reply(said, {**data, "dry_run": True} if dry_run else data)

    return answer(env, "store copy", output, body)


def _meant(env: Env, command: str, text: str, place: Place) -> tuple[Reach, TableStore]:
    """The table that is meant, and where the command acts.

    Raises:
        UsageError: none is, or it cannot be understood.
    """
    from lambdaops.cli.aim import aim_at_region
    from lambdaops.core.errors import UsageError
    from lambdaops.core.stores import parse_store

    reach = aim_at_region(env, place)
    found = parse_store(text) if text else reach.store(env)
    if found is None:
        raise UsageError(
            "there is no table to be the store", hint=f"Name one: lambdaops store {command} dynamodb://TABLE."
        )
    return reach, found
