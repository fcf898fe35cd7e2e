"""Where playbooks are found, and which of two is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import lambdaops
from lambdaops.config.playbooks import find as finding
from lambdaops.config.playbooks.find import Origin, find, places
from lambdaops.core.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with two playbooks."""
    package = tmp_path / "site" / "lambdaops"
    (package / "playbooks").mkdir(parents=True)
    (package / "__init__.py").touch()
    monkeypatch.setattr(lambdaops, "__file__", str(package / "__init__.py"))
    for name in ("drain", "weekly"):
        (package / "playbooks" / f"{name}.yaml").touch()
    return package / "playbooks"


def put(directory: Path, *names: str) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    for name in names:
        (directory / name).touch()
    return directory


def test_ones_own_go_before_those_that_come_with_us(tmp_path: Path, shipped: Path) -> None:
    here = tmp_path / "repo"
    put(here / "playbooks", "drain.yaml", "mine.yaml", "readme.md", "old.yml")
    team = put(tmp_path / "team", "theirs.yaml")
    known = places(here, [team])
    assert [(one.name, one.origin, one.hidden) for one in known] == [
        ("drain", Origin.HERE, False),
        ("drain", Origin.SHIPPED, True),
        ("mine", Origin.HERE, False),
        ("theirs", Origin.CONFIG, False),
        ("weekly", Origin.SHIPPED, False),
    ]
    assert find("drain", here, known).path == here / "playbooks" / "drain.yaml"
    assert find("weekly", here, known).path == shipped / "weekly.yaml"
    assert find("theirs", here, known).origin is Origin.CONFIG


def test_two_of_ones_own_are_refused(tmp_path: Path, shipped: Path) -> None:
    here = tmp_path / "repo"
    put(here / "playbooks", "drain.yaml")
    known = places(here, [put(tmp_path / "team", "drain.yaml")])
    with pytest.raises(UsageError) as caught:
        find("drain", here, known)
    assert str(tmp_path / "team" / "drain.yaml") in caught.value.message
    assert caught.value.hint == "Rename one of them, or name the file."


def test_the_same_directory_twice_is_not_two(tmp_path: Path, shipped: Path) -> None:
    here = tmp_path / "repo"
    put(here / "playbooks", "mine.yaml")
    (tmp_path / "link").symlink_to(here / "playbooks")
    known = places(here, [here / "playbooks", tmp_path / "link"])
    assert [one.name for one in known] == ["drain", "mine", "weekly"]
    assert find("mine", here, known).path == here / "playbooks" / "mine.yaml"


def test_what_comes_with_us_is_that_in_our_own_checkout_too(tmp_path: Path, shipped: Path) -> None:
    known = places(shipped.parent, [])
    assert [(one.name, one.origin) for one in known] == [("drain", Origin.SHIPPED), ("weekly", Origin.SHIPPED)]


@pytest.mark.parametrize("text", ["x.yaml", "x.yml", "sub/x.yaml", "./x.yaml", "sub/x"])
def test_a_file_is_named_by_its_path(tmp_path: Path, shipped: Path, text: str) -> None:
    found = find(text, tmp_path, places(tmp_path, []))
    assert (found.path, found.name, found.origin) == (tmp_path / text, "x", Origin.HERE)


def test_a_file_that_is_known_keeps_its_origin(tmp_path: Path, shipped: Path) -> None:
    known = places(tmp_path, [])
    assert find(str(shipped / "drain.yaml"), tmp_path, known).origin is Origin.SHIPPED


@pytest.mark.parametrize(
    ("text", "hint"), [("drian", "Did you mean drain?"), ("zzz", "lambdaops playbook list shows those there are.")]
)
def test_what_there_is_not(tmp_path: Path, shipped: Path, text: str, hint: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        find(text, tmp_path, places(tmp_path, [tmp_path / "nowhere"]))
    assert caught.value.hint == hint


def test_in_this_checkout_the_directory_is_beside_the_package() -> None:
    assert finding.shipped().name == "playbooks"
