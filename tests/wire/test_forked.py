"""A command that is forked is the process that it would be if it were started."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from lambdaops.store.files import FileJournals
from tests.wire.conftest import Ran

if TYPE_CHECKING:
    from tests.wire.conftest import Function, Shell


def untimed(text: str) -> str:
    return re.sub(r"^\d\d:\d\d:\d\d", "", text, flags=re.MULTILINE)


@pytest.mark.parametrize(
    "words",
    [
        ("versions", "{target}"),
        ("versions", "{target}", "--output", "json"),
        ("release", "{target}", "--to", "99", "--yes"),
        ("release", "{target}", "--nosuch"),
        ("rollback", "{target}"),
        ("--version",),
    ],
)
def test_it_says_and_ends_as_one_that_was_started(function: Function, shell: Shell, words: tuple[str, ...]) -> None:
    given = tuple(word.format(target=function.target) for word in words)
    process = shell.start(*given)
    out, err = process.communicate(timeout=30)
    forked = shell(*given)
    assert Ran(forked.code, forked.out, untimed(forked.err)) == Ran(process.returncode, out, untimed(err))


def test_it_has_the_variables_it_is_given_and_leaves_none(function: Function, shell: Shell) -> None:
    shell.variables = {"AWS_REGION": "eu-west-1"}
    assert shell("versions", function.target).code == 3
    shell.variables = {}
    assert shell("versions", function.target).code == 0


def test_one_that_does_not_end_is_killed(function: Function, shell: Shell) -> None:
    words = ("release", function.target, "--to", "2", "--strategy", "10%:1h,100%:1h", "--yes")
    with pytest.raises(subprocess.TimeoutExpired):
        shell(*words, within=4)
    assert function.alias() == ("1", {"2": 0.1})
    lease = FileJournals(shell.home).driver(f"{function.arn}:live")
    assert lease is not None
    assert not lease.live
    assert shell("rollback", function.target).code == 0
