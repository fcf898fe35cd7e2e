"""The shipped playbooks: without a mistake, documented in their own header, planned without touching anything."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lambdaops.config.playbooks.find import shipped
from lambdaops.config.playbooks.read import read_playbook
from lambdaops.core.errors import ExitCode
from tests.cli.rig import Cli
from tests.test_docs import commands
from tests.test_examples import command_lines, parse

if TYPE_CHECKING:
    from lambdaops.core.playbook.book import Playbook

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / "playbooks").glob("*.yaml"))
NAMES = [path.stem for path in FILES]
SECTIONS = ["When", "Does", "Changes", "Needs", "Fails", "Example"]
WANTED = {
    "bad-release",
    "dlq-drain",
    "poison-message",
    "throttling-storm",
    "downstream-outage",
    "release-with-approval",
    "progressive-release",
    "stuck-iterator",
    "rotate-and-verify",
    "game-day",
    "weekly-hygiene",
}
each = pytest.mark.parametrize("path", FILES, ids=NAMES)


def header(path: Path) -> list[str]:
    """The comment at the top, without its marks."""
    lines = path.read_text("utf-8").splitlines()
    end = next(number for number, line in enumerate(lines) if not line.startswith("#"))
    return [line.removeprefix("#").removeprefix(" ") for line in lines[:end]]


def sections(path: Path) -> dict[str, str]:
    """What each section of the header says."""
    found: dict[str, str] = {}
    name = ""
    for line in header(path)[1:]:
        begins = re.match(r"([A-Z][a-z]+) +", line)
        if begins:
            name = begins[1]
            found[name] = line[begins.end() :]
        elif name:
            found[name] += f"\n{line.strip()}"
    return found


def example(path: Path) -> dict[str, Any]:
    """The parameters of the example's command line."""
    ((group, run, *words),) = command_lines(sections(path)["Example"])
    assert (group, run) == ("playbook", "run")
    return parse([group, run, *words])


def book(path: Path) -> Playbook:
    return read_playbook(path).book


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path / "home", directory=tmp_path)


def test_they_are_all_there_and_come_with_the_package() -> None:
    assert set(NAMES) >= WANTED
    assert shipped() == ROOT / "playbooks"
    pyproject = (ROOT / "pyproject.toml").read_text("utf-8")
    assert '"playbooks" = "lambdaops/playbooks"' in pyproject


def test_the_list_shows_them(cli: Cli) -> None:
    rows = cli("playbook", "list", "--output", "json").envelope["data"]["playbooks"]
    assert [(row["name"], row["from"], row.get("problem")) for row in rows] == [
        (name, "shipped", None) for name in NAMES
    ]


@each
def test_it_has_no_mistake(cli: Cli, path: Path) -> None:
    ran = cli("playbook", "check", path.stem)
    assert ran.code == 0, ran.err


@each
def test_it_can_be_shown(cli: Cli, path: Path) -> None:
    shown = cli("playbook", "show", path.stem)
    assert shown.code == 0, shown.err
    for step in book(path).steps:
        assert step.id in shown.out


# -- what is written -----------------------------------------------------------------------------------------------


@each
def test_its_header_says_everything(path: Path) -> None:
    first = header(path)[0]
    assert re.fullmatch(rf"{path.stem}: [a-z].*\.", first), "name: what it is for."
    assert list(sections(path)) == SECTIONS
    assert all(len(text) > 20 for text in sections(path).values())


@each
def test_the_exit_codes_of_its_header_are_ours(path: Path) -> None:
    codes = {int(code) for code in re.findall(r"exit (\d+)", sections(path)["Fails"])}
    assert codes
    assert codes <= {int(code) for code in ExitCode}


@each
def test_its_lines_are_short(path: Path) -> None:
    assert [line for line in path.read_text("utf-8").splitlines() if len(line) > 120] == []


@each
def test_everything_in_it_is_explained_and_limited(path: Path) -> None:
    found = book(path)
    assert found.description
    assert [one.name for one in found.inputs if not one.description] == []
    assert found.limits.targets


@each
def test_what_an_input_is_for_is_used(path: Path) -> None:
    text = path.read_text("utf-8")
    assert [one.name for one in book(path).inputs if f"inputs.{one.name}" not in text] == []


@each
def test_the_commands_in_its_header_are_ours(path: Path) -> None:
    known = commands()
    for words in re.findall(r"lambdaops ([a-z]+(?: [a-z]+)?)", "\n".join(header(path))):
        assert words in known or words.split()[0] in known, words


# -- what it would do ----------------------------------------------------------------------------------------------


@each
def test_its_example_names_inputs_that_there_are_and_all_that_it_needs(path: Path) -> None:
    said = {word.partition("=")[0] for word in example(path)["inputs"]}
    known = {one.name for one in book(path).inputs}
    assert said <= known
    assert {one.name for one in book(path).inputs if one.required} <= said


@each
def test_its_example_is_planned_without_a_write(cli: Cli, path: Path) -> None:
    said = [word for one in example(path)["inputs"] for word in ("--input", one)]
    ran = cli("playbook", "plan", path.stem, *said, "--output", "json")
    assert ran.code == 0, ran.err
    data = ran.envelope["data"]
    assert {step["key"].partition("[")[0] for step in data["steps"]} <= {step.id for step in book(path).steps}
    assert [step["does"] for step in data["steps"] if re.match(r"[a-z.-]+: ", step["does"])] == [], "refused"
    assert [call for call in cli.world.calls if call.startswith(("set_", "update_", "publish_"))] == []
    assert not list((cli.home).rglob("*.jsonl")), "a journal was begun"


@each
def test_a_step_that_changes_something_is_known_to_the_plan(cli: Cli, path: Path) -> None:
    """What it says that it changes, it changes; and the other way round."""
    said = [word for one in example(path)["inputs"] for word in ("--input", one)]
    steps = cli("playbook", "plan", path.stem, *said, "--output", "json").envelope["data"]["steps"]
    changing = {step["uses"] for step in steps if step["changes"]} - {"notify", "run-playbook", "audit.checkpoint"}
    words = {"rollback": "alias", "release": "alias", "halt": "event source", "unhalt": "event source"}
    words |= {"dlq.redrive": "messages", "publish": "version", "prune": "versions", "invoke": "sandbox"}
    told = sections(path)["Changes"].lower()
    if path.stem != "game-day":  # there everything may be broken
        for use in changing - {"invoke"}:
            assert words[use] in told, f"{use} is not said to change anything"


# -- who speaks of them --------------------------------------------------------------------------------------------


def spoken() -> list[Any]:
    """Every command line that plans or runs a shipped playbook, in documentation and help."""
    pages = [ROOT / "README.md", ROOT / "docs" / "playbooks.md", *FILES]
    texts = {path.name: path.read_text("utf-8").replace("\\\n", " ") for path in pages}
    texts |= {f"{name} --help": text for name, text in commands().items()}
    found = []
    for where, text in texts.items():
        for verb, name, rest in re.findall(r"lambdaops playbook (plan|run) +([a-z-]+)([^\n`]*)", text):
            if name in NAMES:
                found.append(pytest.param(name, rest.partition("#")[0], id=f"{where} {verb} {name}"))
    return found


@pytest.mark.parametrize(("name", "rest"), spoken())
def test_whoever_speaks_of_one_gives_it_inputs_that_it_has(name: str, rest: str) -> None:
    known = {one.name for one in book(ROOT / "playbooks" / f"{name}.yaml").inputs}
    said = {word.partition("=")[0] for word in re.findall(r"--input ['\"]?([a-z_]+=)", rest)}
    assert said <= known


def test_the_index_has_each_with_its_line() -> None:
    index = (ROOT / "playbooks" / "README.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| \[`([a-z-]+)`\]\(\1\.yaml\) \| ([^|]+) \|", index, re.MULTILINE))
    assert sorted(rows) == NAMES
    for path in FILES:
        assert header(path)[0].removeprefix(f"{path.stem}: ").removesuffix(".").lower() == rows[path.stem].lower()


def test_the_ten_lines_of_the_readme_are_ten_and_a_playbook(cli: Cli, tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    (text,) = re.findall(r"^```yaml\n(version: 1\nname: back-and-sure\n.*?)^```", readme, re.MULTILINE | re.DOTALL)
    assert len(text.splitlines()) == 10
    mine = tmp_path / "playbooks" / "back-and-sure.yaml"
    mine.parent.mkdir()
    mine.write_text(text, "utf-8")
    assert f"$ lambdaops playbook check back-and-sure\n{cli('playbook', 'check', 'back-and-sure').out}" in readme
    planned = cli("playbook", "plan", "back-and-sure", "--input", "target=orders:live").out
    assert planned[planned.index("1. back") : planned.index("\n\n2. quiet")] in readme
