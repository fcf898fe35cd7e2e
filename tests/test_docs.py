"""README, help, exit codes and CI say the same as the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lambdaops.cli import defaults
from lambdaops.cli.commands import tree
from lambdaops.core import plan
from lambdaops.core.duration import format_duration
from lambdaops.core.errors import EXIT_MEANINGS, ExitCode

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def commands() -> dict[str, str]:
    """Every command's full name and its help."""
    found: dict[str, str] = {}
    root = tree()
    for name, command in root.commands.items():
        inner = getattr(command, "commands", None)
        if inner is None:
            found[name] = command.help or ""
        else:
            found |= {f"{name} {sub}": inner[sub].help or "" for sub in inner}
    return found


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_command_is_in_the_readme_and_has_an_example(name: str) -> None:
    assert f"`{name}" in README
    assert f"lambdaops {name}" in commands()[name]


def test_the_readme_names_no_command_that_is_not_there() -> None:
    first = {name.split()[0] for name in commands()}
    assert set(re.findall(r"^lambdaops ([a-z]+)", README, re.MULTILINE)) <= first


def test_exit_codes_are_the_table() -> None:
    rows = dict(re.findall(r"^\| (\d+) \| (.+) \|$", README, re.MULTILINE))
    assert rows == {str(int(code)): EXIT_MEANINGS[code] for code in ExitCode}


def test_ci_runs_the_readme_s_test_command_as_it_stands() -> None:
    (command,) = re.findall(r"^(python3 -m venv .*pytest.*)$", README, re.MULTILINE)
    assert command in (ROOT / ".ci" / "run").read_text("utf-8").splitlines()


def test_every_variable_is_documented() -> None:
    source = "".join(path.read_text("utf-8") for path in (ROOT / "lambdaops").rglob("*.py"))
    for name in set(re.findall(r"\bLAMBDAOPS_[A-Z]+", source)):
        assert name in README, name


def test_the_help_s_defaults_are_the_core_s() -> None:
    assert defaults.STRATEGY == plan.DEFAULT_STRATEGY
    assert format_duration(plan.DEFAULT_BAKE) == defaults.BAKE
    assert format_duration(plan.DEFAULT_LOOK_EVERY) == defaults.LOOK_EVERY
    assert format_duration(plan.DEFAULT_PATIENCE) == defaults.PATIENCE
    assert plan.Plan("1", "2", (), "").on_inconclusive.value == defaults.ON_INCONCLUSIVE


def test_the_documented_iam_actions_are_those_the_gateways_call() -> None:
    calls = {"get_alias", "update_alias", "get_function", "list_versions_by_function", "update_function_code"}
    calls |= {"publish_version", "list_event_source_mappings", "get_policy", "get_provisioned_concurrency_config"}
    source = (ROOT / "lambdaops" / "aws" / "functions.py").read_text("utf-8")
    for call in calls:
        assert call in source
        assert "lambda:" + "".join(part.title() for part in call.split("_")) in README
    assert "cloudwatch:DescribeAlarms" in README
