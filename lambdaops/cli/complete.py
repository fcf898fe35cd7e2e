"""Shell completion: what may stand in the place where the cursor is.

Rules this file guarantees: completing writes nothing and changes nothing; names come from the journals' file names and
the configuration file, without AWS; only published versions are asked of AWS, in a process of its own that is ended
after a second; whatever goes wrong, nothing is offered and nothing is said.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, MutableMapping

    from lambdaops.cli.env import Env
    from lambdaops.config.outline import Outline
    from lambdaops.core.events import Entry

INSTRUCTION = "_LAMBDAOPS_COMPLETE"
_BREAKS = set(":=")
_AWS_SECONDS = 1.0

Offer = tuple[str, str]
"""What may be completed, and a word about it."""


# -- what may stand there ----------------------------------------------------------------------------------------------


def targets(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """FUNCTION:ALIAS of the configuration file, and of the journals on this machine."""
    env = _env(ctx)
    found = dict.fromkeys(_outline(env, ctx).targets, "lambdaops.yaml")
    found |= {name: about for name, about in _journals(env, queues=False).items() if ":" in name}
    return _offers(found, incomplete)


def functions(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """Functions of the configuration file, and of the journals on this machine."""
    env = _env(ctx)
    found = dict.fromkeys(_outline(env, ctx).functions, "lambdaops.yaml")
    found |= {name.partition(":")[0]: about for name, about in _journals(env, queues=False).items()}
    return _offers(found, incomplete)


def journals(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """What has a journal on this machine."""
    return _offers(_journals(_env(ctx)), incomplete)


def queues(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """Queues that have a journal on this machine."""
    return _offers(_journals(_env(ctx), queues=True), incomplete)


def redrives(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """Redrives of this machine that are not over, and their queues."""
    from lambdaops.core.errors import LambdaOpsError
    from lambdaops.ops.dlq.runs import known

    env = _env(ctx)
    found: dict[str, str] = {}
    with contextlib.suppress(LambdaOpsError):
        for row in known(env.files):
            found |= {row.run: f"{row.queue.rpartition(':')[2]}: {row.phase}", row.queue.rpartition(":")[2]: row.phase}
    return _offers(found, incomplete)


def playbooks(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """Playbooks here and those that come along, by name."""
    from lambdaops.config.playbooks.find import places

    found = {place.name: place.origin.value for place in places(_env(ctx).cwd, ()) if not place.hidden}
    return _offers(found, incomplete)


def playbook_runs(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """Runs of playbooks of this machine that are not over."""
    from lambdaops.core.errors import LambdaOpsError
    from lambdaops.ops.playbook.runs import known

    found: dict[str, str] = {}
    with contextlib.suppress(LambdaOpsError):
        found = {row.run: f"{row.playbook}: {row.phase}" for row in known(_env(ctx).files)}
    return _offers(found, incomplete)


def strategies(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """Strategies of the configuration file, ours, and CodeDeploy's."""
    from lambdaops.core.plan import CODEDEPLOY, STRATEGIES

    found = dict.fromkeys(_outline(_env(ctx), ctx).strategies, "lambdaops.yaml")
    return _offers(found | {name: CODEDEPLOY.get(name, "") for name in STRATEGIES}, incomplete)


def environments(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """Environments of the configuration file."""
    return _offers(dict.fromkeys(_outline(_env(ctx), ctx).environments, ""), incomplete)


def alarms(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """Alarms that the configuration file names for the target, and those of its last releases."""
    from lambdaops.core.events import Opened

    env, target = _env(ctx), _target(ctx) or _target(ctx, "function")
    function = target.partition(":")[0]
    named = (alarm for name, alarm in _outline(env, ctx).alarms if name in ("", function) or not function)
    found = dict.fromkeys(named, "lambdaops.yaml")
    for entry in _entries(env, target):
        if isinstance(entry.event, Opened):
            found |= dict.fromkeys(entry.event.plan.alarms, f"release {entry.release}")
    return _offers(found, incomplete)


def event_sources(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """Event sources that the journals of the function name."""
    from lambdaops.core.halt.mappings import source_name
    from lambdaops.core.halt.records import HaltOpened

    env, function = _env(ctx), _target(ctx, "function")
    found: dict[str, str] = {}
    for entry in _entries(env, function):
        if isinstance(entry.event, HaltOpened):
            found |= {source_name(one.source): f"halted {entry.at:%F}" for one in entry.event.mappings}
    return _offers(found, incomplete)


def versions(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """Versions the target's journal knows, and those AWS lists if it answers within a second; newest first."""
    from lambdaops.core.events import Opened, Published

    env, target = _env(ctx), _target(ctx)
    if not target:
        return []
    with _asking(env, ctx, target) as answer:
        found: dict[str, str] = {}
        for entry in (*_entries(env, target), *_entries(env, target.partition(":")[0])):
            match entry.event:
                case Opened(plan=plan):
                    found |= {plan.stable: "", plan.candidate: f"released {entry.at:%F}"}
                case Published(version=version, description=description):
                    found[version] = description or f"published {entry.at:%F}"
                case _:
                    pass
        found = {**found, **answer()}
    numbers = sorted((number for number in found if number.isdigit()), key=int, reverse=True)
    return _offers({number: found[number] for number in numbers}, incomplete)


# -- where it comes from -----------------------------------------------------------------------------------------------


def _env(ctx: typer.Context) -> Env:
    from lambdaops.cli.env import Env

    return ctx.obj if isinstance(ctx.obj, Env) else Env.real()


def _target(ctx: typer.Context, argument: str = "target") -> str:
    """The target, or another argument, that stands on the line already."""
    value = ctx.params.get(argument)
    if isinstance(value, str):
        return value
    # An option without its value, which is being completed, ends the parsing before the arguments are assigned.
    return ctx.args[0] if ctx.args else ""


def _offers(found: MutableMapping[str, str], incomplete: str) -> list[Offer]:
    """What begins as the line does, in one line each."""
    return [
        (name, " ".join(about.split()))
        for name, about in found.items()
        if name.startswith(incomplete) and name.isprintable()
    ]


def _outline(env: Env, ctx: typer.Context) -> Outline:
    """What the file names that the command would read."""
    from pathlib import Path

    from lambdaops.config.find import find_config
    from lambdaops.config.outline import Outline, outline
    from lambdaops.core.errors import LambdaOpsError

    given = ctx.params.get("config")
    with contextlib.suppress(LambdaOpsError):
        path = find_config(Path(given) if given else None, env.variables, env.cwd)
        return outline(path) if path is not None else Outline()
    return Outline()


def _journals(env: Env, *, queues: bool | None = None) -> dict[str, str]:
    """The names that have a journal, and the accounts they are in: queues only, or no queues, if that is said."""
    from lambdaops.store.names import journal_places

    found: dict[str, str] = {}
    for place in journal_places(env.home):
        if queues is not None and place.queue is not queues:
            continue
        where = f"{place.account} {place.region}"
        found[place.name] = f"{found[place.name]}, {where}" if place.name in found else where
    return found


def _entries(env: Env, name: str) -> Iterable[Entry]:
    """The records of every journal of this name, or of this ARN; none of one that cannot be read."""
    from lambdaops.core.errors import LambdaOpsError
    from lambdaops.store.names import journal_places

    for place in journal_places(env.home):
        if name in (place.name, place.arn):
            with contextlib.suppress(LambdaOpsError):
                yield from env.files.open(place.arn).read().entries


@contextmanager
def _asking(env: Env, ctx: typer.Context, target: str) -> Iterator[Any]:
    """Ask AWS for the versions meanwhile; what is given takes the answer, if there is one in time.

    A process of its own because it can be ended, and in a session of its own because it then has no terminal: a profile
    that wants a code of a token would ask for it in the middle of the line being typed.
    """
    import subprocess

    names = {"environment": "env", "config": "config", "region": "region", "profile": "profile"}
    given = [f"--{option}={ctx.params[name]}" for name, option in names.items() if ctx.params.get(name)]
    with subprocess.Popen(  # noqa: S603 -- our own command line
        [sys.executable, "-m", "lambdaops", "versions", "--output=json", *given, "--", target],
        env={name: value for name, value in env.variables.items() if name != INSTRUCTION},
        cwd=env.cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:

        def answer() -> dict[str, str]:
            try:
                out, _ = process.communicate(timeout=_AWS_SECONDS)
                return {row["number"]: row["description"] for row in json.loads(out)["data"]["versions"]}
            except (subprocess.TimeoutExpired, ValueError, KeyError, TypeError):
                return {}

        try:
            yield answer
        finally:
            process.kill()


# -- the shell's side --------------------------------------------------------------------------------------------------


@contextmanager
def completing(variables: MutableMapping[str, str]) -> Iterator[None]:
    """Let typer answer a shell that asks what may be completed; does nothing when none asks.

    Bash needs help with colons, which to it end a word (COMP_WORDBREAKS): ``orders:li`` arrives as three words, and
    only what follows the last colon is replaced by what is offered. So the words are joined before typer reads them,
    and what stands before the colon is cut from what it writes. ``--to=4`` arrives in three words too.
    """
    instruction = variables.get(INSTRUCTION, "")
    if not instruction.startswith("complete_"):
        yield
        return
    typed = ""
    if instruction == "complete_bash":
        words, cursor = rejoined(variables.get("COMP_WORDS", ""), variables.get("COMP_CWORD", ""))
        variables["COMP_WORDS"], variables["COMP_CWORD"] = "\n".join(words), str(cursor)
        word = words[cursor] if cursor < len(words) else ""
        value = word.partition("=")[2] if word.startswith("--") else word
        typed = value[: value.rfind(":") + 1]
    written = io.StringIO()
    try:
        with contextlib.redirect_stdout(written):
            yield
    finally:
        sys.stdout.write("".join(line.removeprefix(typed) for line in written.getvalue().splitlines(keepends=True)))


def completed_command(variables: Mapping[str, str]) -> str:
    """The command of the line that is being completed, if the cursor is past it; to be asked while `completing`."""
    match variables.get(INSTRUCTION, ""):
        case "complete_bash":
            words, cursor = variables.get("COMP_WORDS", "").split("\n"), variables.get("COMP_CWORD", "")
            past = cursor.isdecimal() and int(cursor) > 1
        case "complete_zsh" | "complete_fish":
            line = variables.get("_TYPER_COMPLETE_ARGS", "")
            words = line.split()
            past = len(words) > 2 or line.endswith(" ")  # noqa: PLR2004 -- the program, the command, and more
        case _:
            return ""
    return words[1] if past and len(words) > 1 else ""


def rejoined(joined: str, cursor: str) -> tuple[list[str], int]:
    """The words as they were typed, up to the one with the cursor, and its number."""
    words = joined.split("\n")
    last = min(int(cursor), len(words)) if cursor.isdecimal() else len(words)
    found: list[str] = []
    glue = False
    for number, word in enumerate(words[: last + 1]):
        breaks = bool(word) and set(word) <= _BREAKS and number > 1
        if found and number > 1 and (breaks or glue):
            found[-1] += word
        else:
            found.append(word)
        glue = breaks
    return (found, len(found) - 1) if last < len(words) else (found, len(found))
