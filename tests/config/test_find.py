"""Where the configuration is looked for: here and above, and never in what is not one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambdaops.config.find import find_config
from lambdaops.core.errors import ExitCode, InvalidFileError

HERE = "home/me/project/services/orders"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / HERE).mkdir(parents=True)
    return tmp_path


def find(root: Path, *, home: str = "home/me", here: str = HERE) -> str | None:
    """The file that is found, seen from the root."""
    found = find_config(None, {"HOME": str(root / home) if home else ""}, root / here)
    return None if found is None else str(found.relative_to(root))


def put(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        if name.endswith(".git"):
            path.mkdir()
        else:
            path.touch()


@pytest.mark.parametrize(
    ("files", "home", "expected"),
    [
        ([f"{HERE}/lambdaops.yaml", "home/me/project/lambdaops.yaml"], "home/me", f"{HERE}/lambdaops.yaml"),
        ([f"{HERE}/lambdaops.yaml"], "", f"{HERE}/lambdaops.yaml"),
        ([f"{HERE}/lambdaops.yaml", f"{HERE}/.git"], "", f"{HERE}/lambdaops.yaml"),
        (["home/me/project/lambdaops.yaml", "home/me/lambdaops.yaml"], "home/me", "home/me/project/lambdaops.yaml"),
        # up to the repository, and that itself
        (["home/me/project/lambdaops.yaml", "home/me/project/.git"], "", "home/me/project/lambdaops.yaml"),
        (["home/me/lambdaops.yaml", "home/me/project/.git"], "home/me", None),
        (["home/me/project/lambdaops.yaml", "home/me/project/.git", f"{HERE}/.git"], "home/me", None),
        (["home/lambdaops.yaml", "home/.git"], "home/me", None),
        # up to the home directory, and that itself
        (["home/me/lambdaops.yaml"], "home/me", "home/me/lambdaops.yaml"),
        (["home/lambdaops.yaml"], "home/me", None),
        (["home/lambdaops.yaml", "lambdaops.yaml"], HERE, None),
        # with neither above, only here
        (["home/me/project/services/lambdaops.yaml"], "", None),
        (["home/me/project/services/lambdaops.yaml"], "home/other", None),
        (["home/me/project/services/lambdaops.yaml"], f"{HERE}/below", None),
        # the mistaken name beside the right one, or above where the search ends
        ([f"{HERE}/lambdaops.yml", f"{HERE}/lambdaops.yaml"], "", f"{HERE}/lambdaops.yaml"),
        (["home/me/project/services/lambdaops.yml"], "", None),
        ([], "home/me", None),
    ],
)
def test_here_and_above(root: Path, files: list[str], home: str, expected: str | None) -> None:
    put(root, *files)
    assert find(root, home=home) == expected


def test_the_git_file_of_a_worktree(root: Path) -> None:
    put(root, "home/me/project/lambdaops.yaml")
    (root / "home/me/project/.git").write_text("gitdir: elsewhere")
    assert find(root, home="") == "home/me/project/lambdaops.yaml"


def test_a_shared_directory_is_nobodys_repository(root: Path) -> None:
    put(root, "home/.git", "home/lambdaops.yaml", "home/me/lambdaops.yaml")
    (root / "home").chmod(0o1777)
    assert find(root, home="") is None
    assert find(root, home="home/me") == "home/me/lambdaops.yaml"
    assert find(root, home="", here="home") == "home/lambdaops.yaml"
    (root / "home").chmod(0o777)  # as some CI systems check out
    assert find(root, home="") == "home/me/lambdaops.yaml"


def test_what_is_found_need_not_be_readable(root: Path) -> None:
    """A dangling link or a directory is found here, and refused when read: not passed over for a file above."""
    put(root, "home/me/project/lambdaops.yaml")
    (root / HERE / "lambdaops.yaml").symlink_to("gone")
    assert find(root) == f"{HERE}/lambdaops.yaml"


@pytest.mark.parametrize("place", [HERE, "home/me/project"])
def test_the_mistaken_name(root: Path, place: str) -> None:
    put(root, f"{place}/lambdaops.yml", "home/me/lambdaops.yaml")
    with pytest.raises(InvalidFileError) as caught:
        find(root)
    assert caught.value.message == f"{root / place}/lambdaops.yml is not read: the file is called lambdaops.yaml"
    assert caught.value.hint == "Rename it, or name it with --config or LAMBDAOPS_CONFIG."
    assert caught.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize(
    ("given", "variable", "expected"),
    [
        ("given.yaml", "variable.yaml", "here/given.yaml"),
        ("../given.yaml", None, "here/../given.yaml"),
        ("/etc/given.yaml", "variable.yaml", "/etc/given.yaml"),
        (None, "variable.yaml", "here/variable.yaml"),
        (None, "/etc/variable.yaml", "/etc/variable.yaml"),
        (None, "lambdaops.yml", "here/lambdaops.yml"),
        (None, "", "here/lambdaops.yaml"),
        (None, None, "here/lambdaops.yaml"),
    ],
)
def test_named(tmp_path: Path, given: str | None, variable: str | None, expected: str) -> None:
    """What is named need not exist; --config stands before LAMBDAOPS_CONFIG, and that before what is here."""
    here = tmp_path / "here"
    here.mkdir()
    put(here, "lambdaops.yaml", "lambdaops.yml")
    variables = {} if variable is None else {"LAMBDAOPS_CONFIG": variable}
    assert find_config(Path(given) if given else None, variables, here) == tmp_path / expected
