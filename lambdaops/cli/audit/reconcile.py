"""``audit reconcile``: the journal of an alias beside CloudTrail."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from lambdaops.cli.options import (
    WHAT,
    ConfigOption,
    EnvironmentOption,
    JournalArgument,
    OutputFormat,
    OutputOption,
    Place,
    ProfileOption,
    RegionOption,
)
from lambdaops.cli.reply import Reply, answer, telling

if TYPE_CHECKING:
    from lambdaops.cli.env import Env
    from lambdaops.core.audit.reconcile import Reconciled
    from lambdaops.core.errors import LambdaOpsError

DaysOption = Annotated[
    int,
    typer.Option(
        "--days",
        metavar="N",
        min=1,
        max=90,
        help="How far back to look; CloudTrail's history ends after 90.",
        rich_help_panel=WHAT,
    ),
]


def add_to(group: typer.Typer) -> None:
    """Register the command."""
    group.command("reconcile")(reconcile)


def reconcile(
    ctx: typer.Context,
    target: JournalArgument,
    days: DaysOption = 7,
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Hold the journal of an alias against CloudTrail: which changes came through us, and which did not.

    Exit 7 if somebody else changed the alias, 2 if the journal tells of a write that CloudTrail does not show. What \
is younger than 15 minutes may not be in CloudTrail yet, and is said to be so.

    \b
    lambdaops audit reconcile orders:live
    lambdaops audit reconcile orders:live --days 90 --output json
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from datetime import timedelta

        from lambdaops.cli.aim import aim_at_journal
        from lambdaops.core.codec import encode
        from lambdaops.core.errors import ExitCode
        from lambdaops.ops.audit.reconcile import reconciled
        from lambdaops.render.audit import reconciled_text

        aimed, arn = aim_at_journal(env, target, Place(environment, config, region, profile))
        with telling(env, output) as sink:
            aimed.require_caller(aimed.ports(env, sink))
            trail = env.trail(region=aimed.region, profile=aimed.profile)
            found = reconciled(trail, aimed.journals(env).open(arn), aimed.target, env.clock, timedelta(days=days))
        error = _objection(found, arn)
        code = error.exit_code if error else ExitCode.DONE
        data = encode(found)
        assert isinstance(data, dict)  # noqa: S101 -- a dataclass encodes to an object
        return Reply(partial(reconciled_text, found), {**data, "arn": arn}, code, error)

    return answer(env, "audit reconcile", output, body)


def _objection(found: Reconciled, arn: str) -> LambdaOpsError | None:
    from lambdaops.core.audit.reconcile import Standing
    from lambdaops.core.errors import AliasChangedError, JournalTamperedError

    missing, foreign = found.count(Standing.MISSING), found.count(Standing.FOREIGN)
    if missing:
        shown = foreign + found.count(Standing.MATCHED)
        hint = (
            "Verify the journal against its checkpoints (lambdaops audit verify --against), and check that "
            "CloudTrail looks at this account and region."
            if shown
            else "CloudTrail shows no change of this alias at all: first check that these are its account and region. "
            "A local AWS, as the sandbox, keeps no trail. If they are, lambdaops audit verify --against checkpoints."
        )
        return JournalTamperedError(
            f"the journal of {found.target} tells of {missing} writes that CloudTrail does not show",
            hint=hint,
            target=arn,
        )
    if foreign:
        return AliasChangedError(
            f"{found.target} was changed {foreign} times by others than lambdaops",
            hint="Ask who is named above; keep the alias's version and weights out of their tool, or release with it.",
            target=arn,
        )
    return None
