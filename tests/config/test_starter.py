"""The first lambdaops.yaml: what it reads as, and that no file is replaced unasked or left half."""

from __future__ import annotations

import os
import re
import stat
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from lambdaops.config.read import Config, read_config
from lambdaops.config.starter import check_free, save, scalar, starter
from lambdaops.core.errors import ExitCode, InvalidFileError, UsageError
from lambdaops.core.survey import FoundAlarm, FoundTarget, Skipped, Survey
from tests.config import test_sam
from tests.render import golden

ACCOUNT = Survey(
    "account 011122223333 in eu-central-1",
    "011122223333",
    "eu-central-1",
    (
        FoundTarget(
            "orders",
            "live",
            (
                FoundAlarm("TargetTracking-orders", "drives auto scaling, says nothing of health", usable=False),
                FoundAlarm("orders errors"),
                FoundAlarm("orders-[5xx]*"),
                FoundAlarm("orders-health", "only if IsProd"),
                FoundAlarm("orders-{stage}"),
            ),
            notes=("its other aliases: beta, dev",),
        ),
        FoundTarget("on", "prod", strategy="Linear10PercentEvery1Minute"),
    ),
    (Skipped("carts", "has no alias: callers run $LATEST, and there is no traffic to shift"),),
    ("template.yaml:3:1: Fn::ForEach::Each is not expanded",),
)


def read(survey: Survey, environment: str = "prod") -> Any:
    return yaml.safe_load(starter(survey, environment))


@pytest.mark.parametrize(("name", "survey"), [("account", ACCOUNT), ("nothing", Survey("template.yaml"))])
def test_text(name: str, survey: Survey) -> None:
    golden.check(f"starter_{name}", starter(survey, "prod"))


def test_what_it_reads_as() -> None:
    assert read(ACCOUNT) == {
        "version": 1,
        "defaults": {"strategy": "canary"},
        "functions": {
            "orders": {"alias": "live", "alarms": ["orders errors", "orders-[[]5xx][*]", "orders-health"]},
            "on": {"alias": "prod", "strategy": "Linear10PercentEvery1Minute", "alarms": []},
        },
        "environments": {"prod": {"account": "011122223333", "region": "eu-central-1", "confirm": "ask"}},
    }


def test_nothing_found_is_a_file_all_the_same() -> None:
    assert read(Survey("template.yaml")) == {"version": 1, "defaults": {"strategy": "canary"}, "functions": {}}


def test_the_example_of_an_environment_is_one() -> None:
    lines = starter(Survey("template.yaml"), "prod").splitlines()
    start = lines.index("# environments:")
    example = yaml.safe_load("\n".join(line.removeprefix("# ") for line in lines[start:]))
    assert set(example["environments"]["prod"]) == {"account", "region", "confirm"}


YAMLISH = ["no", "Off", "NULL", "~", "1e3", "10:20", "0x1f", "a: b", "a #b", "- x", "*a", "&a", "!a", "%a", "@a", "`"]
SIGNS = ["'", '"', "x:", "=", "<<", "?", "|", "{a}", "[a]", "a, b", "2026-11-23", ".5", "a\nb"]
RARE = ["\u2028", "\x85", "\ufeff", "\U0001f600"]
NAMES = st.text(min_size=1, max_size=20) | st.sampled_from([*YAMLISH, *SIGNS, *RARE])


@given(NAMES)
def test_a_scalar_means_its_text(text: str) -> None:
    assert yaml.safe_load(scalar(text)) == text
    assert yaml.safe_load(f"{scalar(text)}: 1\n") == {text: 1}
    assert yaml.safe_load(f"a:\n  - {scalar(text)}\n") == {"a": [text]}


@given(NAMES, NAMES, NAMES, NAMES)
def test_no_name_and_no_note_disturbs_the_file(function: str, alias: str, alarm: str, note: str) -> None:
    survey = Survey(
        note,
        "011122223333",
        alias,
        (
            FoundTarget(
                function, alias, (FoundAlarm(alarm, note), FoundAlarm(alarm, note, usable=False)), notes=(note,)
            ),
            FoundTarget(f"{function}2", alias, strategy=alarm),
        ),
        (Skipped(function, note),),
        (note,),
    )
    text = starter(survey, note)
    assert text.encode().decode() == text
    data = yaml.safe_load(text)
    assert set(data["functions"]) == {function, f"{function}2"}
    assert data["functions"][function]["alias"] == alias
    assert len(data["functions"][function]["alarms"]) == (1 if re.fullmatch("[^{}\\x00-\\x1f\\x7f]+", alarm) else 0)
    assert data["functions"][f"{function}2"]["strategy"] == alarm
    assert data["environments"] == {note: {"account": "011122223333", "region": alias, "confirm": "ask"}}


# -- writing -----------------------------------------------------------------------------------------------------------


def listed(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_a_new_file(tmp_path: Path) -> None:
    save(tmp_path / "a.yaml", "é\n", force=False)
    assert (tmp_path / "a.yaml").read_bytes() == b"\xc3\xa9\n"
    assert listed(tmp_path) == ["a.yaml"]
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE((tmp_path / "a.yaml").stat().st_mode) == 0o666 & ~umask


@pytest.mark.parametrize("kind", ["file", "directory", "link to nothing"])
def test_what_exists_is_not_replaced(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.yaml"
    if kind == "file":
        path.write_text("mine")
    elif kind == "directory":
        path.mkdir()
    else:
        path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="exists already: nothing was written") as caught:
        check_free(path, force=False)
    assert caught.value.exit_code is ExitCode.USAGE
    assert "--force" in caught.value.hint
    with pytest.raises(UsageError, match="exists already: nothing was written"):
        save(path, "theirs", force=False)
    assert listed(tmp_path) == ["a.yaml"]
    if kind == "file":
        assert path.read_text() == "mine"


def test_force_replaces_a_file_and_keeps_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    check_free(tmp_path / "link", force=True)
    save(tmp_path / "link", "new", force=True)
    assert (tmp_path / "real").read_text() == "new"
    assert (tmp_path / "link").is_symlink()
    assert listed(tmp_path) == ["link", "real"]


@pytest.mark.parametrize("force", [True, False])
def test_a_directory_that_is_not_there(tmp_path: Path, force: bool) -> None:
    with pytest.raises(InvalidFileError, match="cannot be written: No such file") as caught:
        save(tmp_path / "no" / "a.yaml", "x", force=force)
    assert "--out" in caught.value.hint


def test_a_directory_is_not_replaced_even_if_asked(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").mkdir()
    with pytest.raises(InvalidFileError, match="Is a directory"):
        save(tmp_path / "a.yaml", "x", force=True)
    assert listed(tmp_path) == ["a.yaml"]


def test_a_file_system_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    save(tmp_path / "a.yaml", "x", force=False)
    assert (tmp_path / "a.yaml").read_text() == "x"
    with pytest.raises(UsageError):
        save(tmp_path / "a.yaml", "y", force=False)
    assert (tmp_path / "a.yaml").read_text() == "x"


# -- what the configuration's reader says of it ------------------------------------------------------------------------


def accepted(directory: Path, survey: Survey, environment: str = "prod") -> Config:
    path = directory / "lambdaops.yaml"
    save(path, starter(survey, environment), force=True)
    return read_config(path)


@pytest.mark.parametrize(
    "survey", [ACCOUNT, Survey("template.yaml"), Survey("account", "000000000000", "us-gov-west-1")]
)
def test_the_reader_takes_what_is_written(tmp_path: Path, survey: Survey) -> None:
    config = accepted(tmp_path, survey)
    assert list(config.file.functions or {}) == [target.function for target in survey.targets]
    if survey.account:
        assert config.file.environments is not None
        assert config.file.environments["prod"].account == survey.account


def test_the_reader_takes_the_example_of_an_environment(tmp_path: Path) -> None:
    text = starter(Survey("template.yaml"), "prod")
    start = text.index("# environments:")
    path = tmp_path / "lambdaops.yaml"
    path.write_text(text[:start] + text[start:].replace("# ", ""))
    assert list(read_config(path).file.environments or {}) == ["prod"]


SHARES = """\
Resources:
  Mine:
    Type: AWS::CodeDeploy::DeploymentConfig
    Properties: {TrafficRoutingConfig: {TimeBasedLinear: {LinearPercentage: %s, LinearInterval: %s}}}
  Orders:
    Type: AWS::Serverless::Function
    Properties: {AutoPublishAlias: live, DeploymentPreference: {Type: !Ref Mine, Alarms: ["", "*", "{", "\\a", %s]}}
"""


@pytest.mark.parametrize(
    "template",
    [
        test_sam.FULL,
        test_sam.ORDERS,
        SHARES % (20, 2, "x" * 255),
        SHARES % (500, 1, "x" * 256),
        SHARES % (1, 9999, "'['"),
        SHARES % ("", "", "!Ref Mine"),
    ],
)
def test_the_reader_takes_what_comes_of_a_template(tmp_path: Path, template: str) -> None:
    assert accepted(tmp_path, test_sam.read(tmp_path, template)).file.functions


_NAMES = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
_ALARMS = st.builds(FoundAlarm, st.text(min_size=1, max_size=255) | st.text("*?[]a{", min_size=1), st.just("note"))


@given(st.dictionaries(_NAMES, st.tuples(_NAMES.filter(lambda name: not name.isdecimal()), st.lists(_ALARMS))))
@example({"orders": ("live", [FoundAlarm("[" * 255), FoundAlarm("*"), FoundAlarm("a\u00a0b"), FoundAlarm("\x07")])})
def test_the_reader_takes_any_names(found: dict[str, tuple[str, list[FoundAlarm]]]) -> None:
    targets = tuple(FoundTarget(function, alias, tuple(alarms)) for function, (alias, alarms) in found.items())
    with tempfile.TemporaryDirectory() as directory:
        config = accepted(Path(directory), Survey("account", "011122223333", "eu-central-1", targets))
    assert config.file.functions is not None
    assert {name: settings.alias for name, settings in config.file.functions.items() if settings} == {
        name: alias for name, (alias, _) in found.items()
    }
