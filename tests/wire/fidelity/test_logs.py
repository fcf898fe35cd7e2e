"""corrections/logs: what a version's errors are found by, and the form in which Lambda's Python runtime writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lambdaops.sandbox.corrections.logs import matcher
from tests.wire.conftest import FAILING, until

if TYPE_CHECKING:
    from tests.wire.conftest import Function


def events(function: Function, **more: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = function.clients("logs").filter_log_events(
        logGroupName=f"/aws/lambda/{function.name}", **more
    )["events"]
    return found


@pytest.fixture
def failed(function: Function) -> Function:
    """Version 1 has answered and the failing one has failed."""
    function.clients("lambda").invoke(FunctionName=function.name, Qualifier="live")
    function.point(function.publish(FAILING))
    function.clients("lambda").invoke(FunctionName=function.name, Qualifier="live")
    until(lambda: any("ValueError" in event["message"] for event in events(function)))
    return function


def test_an_error_is_one_event_with_its_level_and_its_traceback(failed: Function) -> None:
    (event,) = events(failed, filterPattern='?ERROR ?"timed out"')
    first, *rest = event["message"].splitlines()
    assert first == "[ERROR] ValueError: no"
    assert rest[0] == "Traceback (most recent call last):"
    assert "raise ValueError" in event["message"]


def test_streams_are_a_version_s_and_a_prefix_chooses_them(failed: Function) -> None:
    day = events(failed)[0]["logStreamName"][:10]
    for version, errors in (("1", 0), ("3", 1), ("7", 0)):
        found = events(failed, logStreamNamePrefix=f"{day}/[{version}]", filterPattern="?ERROR")
        assert len(found) == errors
    assert len(events(failed, logStreamNamePrefix=f"{day}/[1]")) >= 3


@pytest.mark.parametrize(
    ("pattern", "message", "fits"),
    [
        ("", "anything", True),
        ("?ERROR ?Exception", "an Exception", True),
        ("?ERROR ?Exception", "an exception", False),
        ('?"timed out" ?x', "Task timed out after", True),
        ("a b", "b and a", True),
        ("a b", "only a", False),
        ("a -b", "a b", False),
    ],
)
def test_words_of_a_filter(pattern: str, message: str, fits: bool) -> None:
    assert matcher(pattern)(message) is fits
