"""``sandbox up|status|down|reset`` and ``demo``: a local AWS with a small shop, to rehearse on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lambdaops.cli.ask import Confirmation
from lambdaops.cli.options import SAFETY, WHAT, OutputFormat, OutputOption, YesOption
from lambdaops.cli.reply import Reply, answer
from lambdaops.core.errors import DemoFailedError, SandboxUnavailableError

if TYPE_CHECKING:
    from pathlib import Path

    from lambdaops.cli.env import Env
    from lambdaops.sandbox.server import Server

_group = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)

RateOption = Annotated[
    int,
    typer.Option("--rate", min=0, max=100, metavar="N", help="Customers a second; 0 for none.", rich_help_panel=WHAT),
]
PortOption = Annotated[
    int | None,
    typer.Option("--port", min=1024, max=65535, metavar="PORT", help="Default: a free one.", rich_help_panel=WHAT),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only tell.", rich_help_panel=SAFETY)]


def add_to(app: typer.Typer) -> None:
    """Register the group and the demo."""
    app.add_typer(_group, name="sandbox", help="A local AWS with a small shop, to rehearse on.")
    app.command("demo")(demo)


@_group.command("up")
def up(
    ctx: typer.Context,
    rate: RateOption = 20,
    port: PortOption = None,
    dry_run: DryRun = False,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Start it, open the shop, let customers in, and print the variables that point any AWS tool at it.

    \b
    eval "$(lambdaops sandbox up)"
    lambdaops release orders:live --zip "$LAMBDAOPS_BUILDS/orders-good.zip" --alarm orders-health --yes
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.sandbox import server, shop, traffic

        directory = _directory(env)
        if dry_run:
            return Reply(f"would start a local AWS in {directory}", {"directory": str(directory), "dry_run": True})
        running = _running(directory)
        fresh = running is None
        if running is None:
            running = server.start(directory, port=port)
            server.save(running, directory)
        local = server.environment(running)
        try:
            opened = shop.open_shop(running.endpoint, local, directory)
            if fresh and rate:
                traffic.start(local, directory, rate)
        except BaseException:
            if fresh:
                server.stop(running)
            raise
        variables = {**local, "LAMBDAOPS_BUILDS": str(opened.builds)}
        env.stderr.write(
            f"{'started' if fresh else 'running already'}: {running.endpoint}, log {directory}/server.log\n"
        )
        text = "\n".join(f"export {name}={value}" for name, value in variables.items())
        return Reply(text, {"endpoint": running.endpoint, "pid": running.pid, "environment": variables})

    return answer(env, "sandbox up", output, body)


@_group.command("status")
def status(ctx: typer.Context, output: OutputOption = OutputFormat.TEXT) -> int:
    """Tell whether it runs and where; exit 3 when it does not.

    \b
    lambdaops sandbox status
    """
    env: Env = ctx.obj

    def body() -> Reply:
        running = _require(env)
        return Reply(
            f"running: {running.endpoint}, pid {running.pid}", {"endpoint": running.endpoint, "pid": running.pid}
        )

    return answer(env, "sandbox status", output, body)


@_group.command("down")
def down(
    ctx: typer.Context, yes: YesOption = False, dry_run: DryRun = False, output: OutputOption = OutputFormat.TEXT
) -> int:
    """Stop the customers and the local AWS. Safe to run again.

    \b
    lambdaops sandbox down
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.sandbox import server, traffic

        directory = _directory(env)
        running = _running(directory)
        if not dry_run:
            traffic.stop(directory)  # the customers may have outlived the server
        if running is None:
            return Reply("not running", {"stopped": False})
        if not dry_run:
            server.stop(running)
            server.forget(directory)
        return Reply("would stop it" if dry_run else "stopped", {"stopped": not dry_run})

    return answer(env, "sandbox down", output, body)


@_group.command("reset")
def reset(
    ctx: typer.Context, yes: YesOption = False, dry_run: DryRun = False, output: OutputOption = OutputFormat.TEXT
) -> int:
    """Throw the shop away and open it again as new: versions, aliases, alarms and queues.

    \b
    lambdaops sandbox reset --yes
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.sandbox import server, shop

        running = _require(env)
        if dry_run:
            return Reply("would throw the shop away and open it again", {"reset": False})
        Confirmation(env, yes).confirm(f"Throw away everything in {running.endpoint}?")
        shop.reset(running.endpoint, server.environment(running), _directory(env))
        return Reply("the shop is as new", {"reset": True})

    return answer(env, "sandbox reset", output, body)


def demo(
    ctx: typer.Context,
    rate: Annotated[int, typer.Option("--rate", min=5, max=60, help="Customers a second.", rich_help_panel=WHAT)] = 20,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Watch the main job on a sandbox of its own: a good build promoted, a bad one taken back, one undone by hand.

    Needs no AWS account and no Docker, takes about a minute and a half, leaves nothing running.

    \b
    lambdaops demo
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.cli.demo import play

        def tell(text: str) -> None:
            env.stderr.write(text + "\n")
            env.stderr.flush()

        began = env.clock.now()
        ran = tuple(play(env.variables, rate, tell, to_stderr=output is not OutputFormat.TEXT))
        took = (env.clock.now() - began).total_seconds()
        steps = [
            {"command": step.step.command, "expected": int(step.step.expect), "exit_code": step.exit_code}
            for step in ran
        ]
        wrong = [step for step in ran if not step.as_told]
        if wrong:
            raise DemoFailedError(
                f"{wrong[0].step.command!r} ended with {wrong[0].exit_code}, expected {int(wrong[0].step.expect)}",
                hint="Its output above tells why.",
            )
        return Reply(f"demo done: {len(ran)} steps as told, {took:.0f} s", {"steps": steps, "seconds": round(took, 1)})

    return answer(env, "demo", output, body)


def _directory(env: Env) -> Path:
    return env.home / "sandbox"


def _running(directory: Path) -> Server | None:
    from lambdaops.sandbox import server

    found = server.load(directory)
    return found if found is not None and server.alive(found) else None


def _require(env: Env) -> Server:
    running = _running(_directory(env))
    if running is None:
        raise SandboxUnavailableError("the sandbox is not running", hint="Start it: lambdaops sandbox up.")
    return running
