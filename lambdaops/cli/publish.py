"""``publish``: an immutable version of new code, before any traffic moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lambdaops.cli.options import (
    WHAT,
    ConfigOption,
    DryRunOption,
    EnvironmentOption,
    FunctionArgument,
    ImageOption,
    OutputFormat,
    OutputOption,
    Place,
    ProfileOption,
    ReasonOption,
    RegionOption,
    S3Option,
    TicketOption,
    YesOption,
    ZipOption,
)
from lambdaops.cli.reply import Reply, answer, telling

if TYPE_CHECKING:
    from lambdaops.cli.env import Env
    from lambdaops.cli.reach import Reach
    from lambdaops.ops.publish import PublishPlan

LatestOption = Annotated[
    bool,
    typer.Option(
        "--latest",
        help="Publish what is there ($LATEST), as after a change of configuration; nothing is uploaded.",
        rich_help_panel=WHAT,
    ),
]


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("publish")(publish)


def publish(
    ctx: typer.Context,
    function: FunctionArgument,
    zip_file: ZipOption = None,
    s3: S3Option = None,
    image: ImageOption = None,
    latest: LatestOption = False,
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
    """Upload code and publish it as a version that never changes again. No alias moves.

    Safe to run again: unchanged code and configuration gives the existing version back and says so. The version's \
description records the git commit and who published it.

    \b
    # publish a build
    lambdaops publish orders --zip build/orders.zip --yes
    # publish what CI left in S3
    lambdaops publish orders --s3 s3://builds/orders/3f2a91c.zip
    # into the account of prod, and no other
    lambdaops publish orders --zip build/orders.zip --env prod
    # a change of configuration alone: code and configuration as they are
    lambdaops publish orders --latest --reason "new database password"
    # only tell whether there is anything to publish
    lambdaops publish orders --zip build/orders.zip --dry-run
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.cli.aim import aim_at_function
        from lambdaops.cli.sources import code_from, commit_of
        from lambdaops.core.errors import UsageError
        from lambdaops.ops.publish import describe_source, plan_publish, published_before
        from lambdaops.ops.publish import publish as run
        from lambdaops.ports import Code

        reach = aim_at_function(env, function, Place(environment, config, region, profile))
        name = reach.name
        if not dry_run:
            reach.require_reason(reason)
        if latest and (zip_file is not None or s3 is not None or image is not None):
            raise UsageError("--latest publishes what is there, and other code was given", hint="Give one of them.")
        given = code_from(zip_file, s3, image)
        if given is None and not latest:
            raise UsageError("there is no code to publish", hint="Give one of --zip, --s3, --image and --latest.")
        code = given or Code()
        with telling(env, output) as sink:
            ports = reach.ports(env, sink, yes=yes)
            reach.require_caller(ports)
            if dry_run:
                return _would(plan_publish(ports, name, code), reach)
            ports.ask.confirm(f"Publish {describe_source(code)} as a new version of {name}?")
            done = published_before(ports, name) if env.again else None
            if done is None:
                # Of what is there already, this checkout says nothing.
                commit = "" if code.there else commit_of(env.variables, env.cwd)
                done = run(ports, name, code, commit=commit, reason=reason, ticket=ticket)
        number = done.version.number
        said = f"published {name} version {number}" if done.new else f"nothing changed: {name} version {number} is this"
        data = {
            "function": name,
            "version": number,
            "new": done.new,
            "code_sha256": done.version.code_sha256,
            "description": done.version.description,
            "environment": reach.settings.environment,
        }
        return Reply(f"{said} (code {done.version.code_sha256}, {done.version.description})", data)

    return answer(env, "publish", output, body)


def _would(plan: PublishPlan, reach: Reach) -> Reply:
    match plan.upload:
        case True:
            said = f"would upload {plan.source} (code {plan.code_sha256}, now {plan.latest.code_sha256}) and publish it"
        case False:
            said = f"{plan.source} is the code that is there already; would publish only if the configuration changed"
        case _:
            said = f"would upload {plan.source} and publish it if AWS finds it different"
    data = {
        "function": plan.function,
        "source": plan.source,
        "code_sha256": plan.code_sha256,
        "current_sha256": plan.latest.code_sha256,
        "upload": plan.upload,
        "dry_run": True,
        "environment": reach.settings.environment,
    }
    return Reply(f"{plan.function}: {said}", data)
