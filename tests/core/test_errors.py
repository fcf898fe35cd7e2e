"""Slugs and exit codes are an API."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, TypeVar

import pytest

from lambdaops.core import errors
from lambdaops.core.errors import EXIT_MEANINGS, AwsError, BlockedError, ExitCode, LambdaOpsError, UsageError
from lambdaops.core.model import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Iterator


E = TypeVar("E", bound=LambdaOpsError)


def below(cls: type[E]) -> Iterator[type[E]]:
    for child in cls.__subclasses__():
        yield child
        yield from below(child)


ALL: list[type[LambdaOpsError]] = [LambdaOpsError, *below(LambdaOpsError)]

EXITS = {
    "internal": 1,
    "demo-failed": 1,
    "usage": 2,
    "invalid-target": 2,
    "invalid-version": 2,
    "invalid-duration": 2,
    "unknown-strategy": 2,
    "invalid-stages": 2,
    "invalid-file": 2,
    "journal-tampered": 2,
    "invalid-comparison": 2,
    "invalid-queue": 2,
    "invalid-expression": 2,
    "redrive-in-progress": 7,
    "redrive-held": 6,
    "partly-done": 9,
    "queue-full": 8,
    "invalid-config": 2,
    "wrong-account": 3,
    "blocked": 3,
    "not-found": 3,
    "rollback-target-unknown": 3,
    "journal-unwritable": 3,
    "version-failed": 3,
    "not-confirmed": 3,
    "sandbox-unavailable": 3,
    "rollback-incomplete": 5,
    "alias-changed": 7,
    "function-changed": 7,
    "release-in-progress": 7,
    "aws-error": 8,
    "access-denied": 8,
    "no-credentials": 8,
    "credentials-expired": 8,
    "credentials-invalid": 8,
    "no-region": 8,
    "throttled": 8,
    "unreachable": 8,
    "aws-fault": 8,
    "resource-busy": 8,
    "rejected": 8,
    "not-told": 8,
}


def test_every_slug_names_one_error() -> None:
    twice = [slug for slug, count in Counter(cls.code for cls in ALL).items() if count > 1]
    assert twice == []


def test_every_error_says_its_own_slug() -> None:
    assert [cls.__name__ for cls in ALL if "code" not in vars(cls)] == []


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_a_slug_is_kebab_case_and_the_error_is_documented(cls: type[LambdaOpsError]) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", cls.code)
    assert (vars(cls).get("__doc__") or "").strip()
    assert cls.__module__ == errors.__name__, "all errors stand in one file"
    assert cls.__name__.endswith("Error")


def test_slugs_and_exit_codes_stay_as_they_were_published() -> None:
    found = {cls.code: int(cls.exit_code) for cls in ALL}
    assert {slug: found.get(slug) for slug in EXITS} == EXITS


def test_the_exit_codes_are_the_published_table() -> None:
    assert {code.name: code.value for code in ExitCode} == {
        "DONE": 0,
        "INTERNAL": 1,
        "USAGE": 2,
        "BLOCKED": 3,
        "ROLLED_BACK": 4,
        "ROLLBACK_INCOMPLETE": 5,
        "HELD": 6,
        "CONFLICT": 7,
        "AWS": 8,
        "PARTIAL": 9,
        "INTERRUPTED": 130,
    }
    assert set(EXIT_MEANINGS) == set(ExitCode)
    assert len(set(EXIT_MEANINGS.values())) == len(ExitCode)


def test_a_usage_error_is_always_exit_2_and_an_aws_error_exit_8() -> None:
    assert {UsageError.exit_code, *(cls.exit_code for cls in below(UsageError))} == {ExitCode.USAGE}
    assert {AwsError.exit_code, *(cls.exit_code for cls in below(AwsError))} == {ExitCode.AWS}


def test_an_error_that_may_have_taken_effect_is_never_called_permanent() -> None:
    aws: list[type[AwsError]] = [AwsError, *below(AwsError)]
    assert [cls.code for cls in aws if cls.ambiguous and cls.permanent] == []
    assert {cls.code for cls in aws if cls.ambiguous} == {"unreachable", "aws-fault"}
    assert {cls.code for cls in aws if not cls.permanent} == {
        "aws-error",
        "throttled",
        "unreachable",
        "aws-fault",
        "resource-busy",
        "queue-full",
    }


def test_an_error_carries_what_happened_and_the_next_step() -> None:
    error = errors.ThrottledError("slow down", hint="Wait.", target="orders:live", request_id="r-1")
    assert (str(error), error.message, error.hint) == ("slow down", "slow down", "Wait.")
    assert (error.target, error.request_id) == ("orders:live", "r-1")


def test_a_block_carries_its_findings() -> None:
    finding = Finding(Level.BLOCK, "alarms", "x")
    assert BlockedError("no", findings=(finding,)).findings == (finding,)
    assert BlockedError("no").findings == ()
