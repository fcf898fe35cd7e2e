"""``playbook plan``: what a run would do, without touching anything."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import typer

from lambdaops.cli.options import (
    ConfigOption,
    EnvironmentOption,
    OutputFormat,
    OutputOption,
    Place,
    ProfileOption,
    RegionOption,
)
from lambdaops.cli.playbook.options import InputOption, InputsOption, PlaybookArgument
from lambdaops.cli.reply import Reply, answer, telling

if TYPE_CHECKING:
    from lambdaops.cli.env import Env


def add_to(group: typer.Typer) -> None:
    """Register the command."""
    group.command("plan")(plan)


def plan(
    ctx: typer.Context,
    playbook: PlaybookArgument,
    inputs: InputOption = None,
    inputs_json: InputsOption = "",
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Show what a run would do: its inputs, each step as the command it is, and every AWS call that it would make.

    What only earlier steps can tell is marked as <...>. Nothing is changed; AWS is asked who you are, nothing else. \
The hash of the plan is what playbook run --plan holds a run to.

    \b
    lambdaops playbook plan bad-release --input target=orders:live
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.cli.clock import NoSignals
        from lambdaops.cli.playbook.asking import Asked, ports_for, reach_for, request_of
        from lambdaops.cli.playbook.loading import Library
        from lambdaops.core.codec import encode
        from lambdaops.ops.playbook.prepare import planned
        from lambdaops.render.playbooks import plan_text

        place = Place(environment, config, region, profile)
        asked = Asked(playbook, place, tuple(inputs or ()), inputs_json)
        library = Library.of(env, place)
        book = library.flawless(playbook)
        reach = reach_for(env, place)
        with telling(env, output) as sink:
            ports = ports_for(env, reach, place, library, sink, NoSignals())
            reach.require_caller(ports)
            found = planned(ports, request_of(env, asked, library, book, reach, ports.identity.caller()))
        data = encode(found.plan)
        assert isinstance(data, dict)  # noqa: S101 -- a dataclass encodes to an object
        return Reply(partial(plan_text, found.plan, said=playbook), data)

    return answer(env, "playbook plan", output, body)
