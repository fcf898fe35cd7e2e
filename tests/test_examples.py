"""Every example is what its CI system takes, and every command line in it and in the documentation is one of ours."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from lambdaops.cli.commands import tree
from lambdaops.core import plan as planning
from lambdaops.core.duration import parse_duration
from lambdaops.core.errors import ExitCode
from lambdaops.render.github import outputs
from lambdaops.render.summary import Story

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
GITHUB = sorted((EXAMPLES / "github").glob("*.yml"))
GITLAB = EXAMPLES / "gitlab" / ".gitlab-ci.yml"
CODEBUILD = EXAMPLES / "codebuild" / "buildspec.yml"
PAGES = sorted((ROOT / "docs").glob("*.md"))

# "Build specification reference for CodeBuild"; AWS publishes no schema of it.
_COMMANDS = {"type": "array", "items": {"type": "string"}, "minItems": 1}
_PHASE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["commands"],
    "properties": {
        "run-as": {"type": "string"},
        "on-failure": {"type": "string", "pattern": "^(ABORT|CONTINUE|RETRY(-[0-9]+)?(-.+)?)$"},
        "runtime-versions": {"type": "object"},
        "commands": _COMMANDS,
        "finally": _COMMANDS,
    },
}
BUILDSPEC = {
    "type": "object",
    "additionalProperties": False,
    "required": ["version", "phases"],
    "properties": {
        "version": {"const": 0.2},
        "run-as": {"type": "string"},
        "env": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "shell": {"enum": ["bash", "/bin/sh", "powershell.exe", "cmd.exe"]},
                "variables": {"type": "object", "additionalProperties": {"type": "string"}},
                "parameter-store": {"type": "object"},
                "secrets-manager": {"type": "object"},
                "exported-variables": {"type": "array", "items": {"type": "string"}},
                "git-credential-helper": {"enum": ["yes", "no"]},
            },
        },
        "phases": {
            "type": "object",
            "additionalProperties": False,
            "properties": dict.fromkeys(("pre_build", "build", "post_build"), _PHASE)
            | {"install": {**_PHASE, "required": []}},
        },
        "artifacts": {
            "type": "object",
            "additionalProperties": False,
            "required": ["files"],
            "properties": {
                "files": {"type": "array", "items": {"type": "string"}},
                "name": {"type": "string"},
                "base-directory": {"type": "string"},
                "discard-paths": {"enum": ["yes", "no"]},
                "exclude-paths": {"type": "string"},
            },
        },
        "cache": {"type": "object"},
        "reports": {"type": "object"},
    },
}


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def scripts(value: object) -> list[str]:
    """Every text in a file's values: those without our name have no command of ours."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in scripts(item)]
    return [text for item in value for text in scripts(item)] if isinstance(value, list) else []


def command_lines(script: str) -> list[list[str]]:
    """The words after each ``lambdaops`` that a shell would start."""
    found = []
    for line in script.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>()")
        lexer.whitespace_split = True
        lexer.commenters = "#"
        words = [*lexer, ";"]
        while words:
            end = next(at for at, word in enumerate(words) if set(word) <= set("|&;<>()"))
            command, words = words[:end], words[end + 1 :]
            while command and (command[0] in ("exec", "then", "else", "do", "if", "!") or "=" in command[0]):
                command = command[1:]
            if command and command[0] == "lambdaops":
                found.append(command[1:])
    return found


def fenced(page: Path) -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def examples() -> list[Any]:
    """Every command line, with where it stands."""
    found = []
    for path in (*GITHUB, GITLAB, CODEBUILD):
        for text in scripts(read(path)):
            found += [pytest.param(words, id=f"{path.name}-{words[0]}") for words in command_lines(text)]
    for page in PAGES:
        for text in fenced(page):
            found += [pytest.param(words, id=f"{page.name}-{' '.join(words[:2])}") for words in command_lines(text)]
    return found


def parse(words: list[str]) -> dict[str, Any]:
    """The parameters that the real parser reads; nothing is run."""
    command: Any = tree()
    names = iter(words)
    if words[0].startswith("-"):
        assert words[0] in {name for option in command.params for name in option.opts}
        return {}
    while hasattr(command, "commands"):
        name = next(names)
        assert name in command.commands, f"no command {name!r}"
        command = command.commands[name]
    parameters: dict[str, Any] = command.make_context(command.name, list(names)).params
    return parameters


@pytest.mark.parametrize("words", examples())
def test_every_command_line_is_one_of_ours(words: list[str]) -> None:
    parse(words)


def test_every_example_has_command_lines() -> None:
    for path in (*GITHUB, GITLAB, CODEBUILD):
        assert any(command_lines(text) for text in scripts(read(path))), path


def test_a_renamed_option_would_be_seen() -> None:
    with pytest.raises(Exception, match="--alarms"):
        parse(["release", "orders:live", "--to", "2", "--alarms", "x"])


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("exec lambdaops plan a:b", [["plan", "a:b"]]),
        ("A=1 lambdaops plan a:b || code=$?", [["plan", "a:b"]]),
        ("if [ x = y ]; then lambdaops rollback a:b; fi", [["rollback", "a:b"]]),
        ("lambdaops plan \\\n  a:b # why\nlambdaops status a:b", [["plan", "a:b"], ["status", "a:b"]]),
        ("lambdaops status a:b -o json | jq .data", [["status", "a:b", "-o", "json"]]),
        ("pip install lambdaops", []),
    ],
)
def test_command_lines_are_found_as_a_shell_finds_them(script: str, words: list[list[str]]) -> None:
    assert command_lines(script) == words


# -- what the CI systems take --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "paths", "more"),
    [("vendor.github-workflows", GITHUB, []), ("vendor.gitlab-ci", [GITLAB], ["--data-transform", "gitlab-ci"])],
    ids=["github", "gitlab"],
)
def test_the_published_schema_takes_it(schema: str, paths: list[Path], more: list[str]) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *more, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_buildspec_is_as_codebuild_documents_it() -> None:
    jsonschema.validate(read(CODEBUILD), BUILDSPEC)


@pytest.mark.parametrize("path", sorted((EXAMPLES / "iam").glob("*.json")), ids=lambda path: path.name)
def test_every_policy_is_json(path: Path) -> None:
    assert json.loads(path.read_text("utf-8"))["Version"] == "2012-10-17"


# -- what they promise ---------------------------------------------------------------------------------------------


def limit_of(path: Path) -> float:
    """How long, in minutes, the example's release takes at most."""
    (words,) = [words for text in scripts(read(path)) for words in command_lines(text) if words[0] == "release"]
    asked = parse(words)
    plan = planning.Plan(
        "1",
        "2",
        planning.resolve_strategy(asked["strategy"] or planning.DEFAULT_STRATEGY, parse_duration("5m")),
        asked["strategy"] or planning.DEFAULT_STRATEGY,
        tuple(asked["alarm"]),
    )
    return plan.limit.total_seconds() / 60


def test_github_s_timeouts_are_longer_than_the_plan() -> None:
    path = EXAMPLES / "github" / "release.yml"
    job = read(path)["jobs"]["release"]
    (login,) = [step for step in job["steps"] if step.get("uses", "").startswith("aws-actions/")]
    assert job["timeout-minutes"] > limit_of(path)
    assert login["with"]["role-duration-seconds"] / 60 > limit_of(path)


def test_gitlab_s_timeout_is_longer_than_the_plan() -> None:
    job = read(GITLAB)["release"]
    minutes = re.fullmatch(r"(\d+) minutes", job["timeout"])
    assert minutes
    assert int(minutes[1]) > limit_of(GITLAB)


def test_the_github_release_is_as_safe_as_it_can_be() -> None:
    workflow = read(EXAMPLES / "github" / "release.yml")
    job = workflow["jobs"]["release"]
    assert workflow["permissions"] == {"id-token": "write", "contents": "read"}
    assert workflow["concurrency"]["cancel-in-progress"] is False
    assert job["environment"] == "prod"
    (release,) = [step for step in job["steps"] if step.get("id") == "release"]
    # bash hands no signal on to what it started: a cancelled run would kill the release after ten seconds.
    assert release["run"].startswith("exec lambdaops release ")


def test_the_gitlab_release_is_as_safe_as_it_can_be() -> None:
    job = read(GITLAB)["release"]
    assert (job["interruptible"], job["retry"], job["resource_group"]) == (False, 0, "lambdaops-orders-live")
    assert job["artifacts"]["when"] == "always"
    assert "AWS_ID_TOKEN" in job["id_tokens"]


def test_the_buildspec_stops_at_a_failure_and_always_looks() -> None:
    phases = read(CODEBUILD)["phases"]
    assert {phase["on-failure"] for phase in phases.values()} == {"ABORT"}
    assert phases["build"]["finally"]


def test_the_workflows_use_outputs_that_there_are() -> None:
    known = set(outputs(Story(), ExitCode.DONE, {}))
    used = {name for path in GITHUB for name in re.findall(r"steps\.release\.outputs\.(\w+)", path.read_text("utf-8"))}
    assert used
    assert used <= known
