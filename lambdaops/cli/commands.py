"""The command tree. Each command states its consequence, shows examples, and hands over to one operation.

Nothing of AWS, rich's panels or the sandbox is imported until a command that needs it runs.
"""

from __future__ import annotations

import typer

from lambdaops.cli import audit, config, dlq, init, look, notify, publish, release, rollback, sandbox, steer
from lambdaops.cli.options import OUTPUT

app = typer.Typer(
    name="lambdaops",
    help="Planned releases and one-command rollbacks for AWS Lambda.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    epilog="Exit codes: 0 done, 2 usage, 3 blocked, 4 rolled back, 5 rollback incomplete (act now), 6 held, "
    "7 somebody else changed the alias, 8 AWS denied or unreachable, 130 interrupted.",
)


@app.callback()
def root(
    version: bool = typer.Option(False, "--version", help="Print the version and leave.", rich_help_panel=OUTPUT),
) -> None:
    """Planned releases and one-command rollbacks for AWS Lambda."""
    if version:
        from lambdaops import __version__

        typer.echo(f"lambdaops {__version__}")
        raise typer.Exit


publish.add_to(app)
release.add_to(app)
rollback.add_to(app)
steer.add_to(app)
look.add_to(app)
dlq.add_to(app)
audit.add_to(app)
init.add_to(app)
config.add_to(app)
notify.add_to(app)
sandbox.add_to(app)
