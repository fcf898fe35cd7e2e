"""FilterLogEvents: one version's streams alone, every page, and never longer than was given."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from lambdaops.aws.logs import CloudWatchLogs
from lambdaops.ports.logs import LogOf, LogRead

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.stub import Stubber

    from lambdaops.aws.session import Session

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=10)
SOON = timedelta(seconds=30)
OWN = LogOf("orders", "42", "/aws/lambda/orders")
SHARED = LogOf("orders", "42", "/shop")
PATTERN = '?ERROR ?Error ?error ?Exception ?CRITICAL ?FATAL ?fatal ?Traceback ?"timed out" ?timeout ?"exited"'


@pytest.fixture
def logs(session: Session) -> CloudWatchLogs:
    return CloudWatchLogs(session)


def asked(prefix: str, group: str = OWN.group, **more: Any) -> dict[str, Any]:
    return {
        "logGroupName": group,
        "logStreamNamePrefix": prefix,
        "startTime": int(NOON.timestamp()) * 1000,
        "endTime": int(LATER.timestamp()) * 1000,
        "filterPattern": PATTERN,
        "limit": 1000,
        **more,
    }


def events(*messages: str, **more: Any) -> dict[str, Any]:
    return {"events": [{"message": message, "logStreamName": "any"} for message in messages], **more}


def test_the_streams_of_this_version_today_and_the_day_before(logs: CloudWatchLogs, log_calls: Stubber) -> None:
    log_calls.add_response("filter_log_events", events("a", "b"), asked("2026/11/23/[42]"))
    log_calls.add_response("filter_log_events", events("c"), asked("2026/11/22/[42]"))
    assert logs.errors(OWN, NOON, LATER, SOON) == LogRead(("a", "b", "c"))


def test_in_a_group_of_one_s_own_streams_begin_with_the_function(logs: CloudWatchLogs, log_calls: Stubber) -> None:
    for day in (23, 22):
        log_calls.add_response("filter_log_events", events(), asked(f"2026/11/{day}/orders[42]", "/shop"))
    assert logs.errors(SHARED, NOON, LATER, SOON) == LogRead()


def test_pages_are_read_to_the_end_the_empty_ones_too(logs: CloudWatchLogs, log_calls: Stubber) -> None:
    log_calls.add_response("filter_log_events", events(nextToken="more"), asked("2026/11/23/[42]"))
    log_calls.add_response("filter_log_events", events("a"), asked("2026/11/23/[42]", nextToken="more"))
    log_calls.add_response("filter_log_events", events(), asked("2026/11/22/[42]"))
    assert logs.errors(OWN, NOON, LATER, SOON) == LogRead(("a",))


def test_of_a_long_release_the_last_days_count(logs: CloudWatchLogs, log_calls: Stubber) -> None:
    since = NOON - timedelta(days=9)
    for day in (23, 22, 21, 20):
        log_calls.add_response("filter_log_events", events(str(day)))
    assert logs.errors(OWN, since, LATER, SOON).events == ("23", "22", "21", "20")


def test_so_many_are_enough(logs: CloudWatchLogs, log_calls: Stubber) -> None:
    for _ in range(2):
        log_calls.add_response("filter_log_events", events(*["a"] * 1000, nextToken="more"))
    read = logs.errors(OWN, NOON, LATER, SOON)
    assert len(read.events) == 2000
    assert read.trouble == "there are more than 2000 events"


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        ("ResourceNotFoundException", 400, "The specified log group does not exist"),
        ("AccessDeniedException", 400, "not authorized"),
        ("ThrottlingException", 400, "could not read /aws/lambda/orders"),
    ],
)
def test_what_cannot_be_read_is_said_and_never_raised(
    logs: CloudWatchLogs, log_calls: Stubber, code: str, status: int, said: str
) -> None:
    log_calls.add_response("filter_log_events", events("a"))
    message = {"ResourceNotFoundException": "The specified log group does not exist."}.get(code, "not authorized")
    log_calls.add_client_error("filter_log_events", code, message, http_status_code=status)
    read = logs.errors(OWN, NOON, LATER, SOON)
    assert read.events == ("a",)
    assert said in read.trouble


class Asleep:
    """A session whose client answers once and then never."""

    def __init__(self) -> None:
        self.awake, self.calls = threading.Event(), 0
        self.answered = threading.Event()

    def logs(self) -> Asleep:
        return self

    def filter_log_events(self, **_: Any) -> dict[str, Any]:
        self.calls += 1
        if self.calls == 1:
            return events("a", nextToken="more")
        self.answered.set()
        assert self.awake.wait(30)
        return events("late", nextToken="more")


@pytest.fixture
def asleep() -> Iterator[Asleep]:
    session = Asleep()
    yield session
    session.awake.set()


def test_what_takes_longer_is_not_waited_for(asleep: Asleep) -> None:
    logs = CloudWatchLogs(cast("Session", asleep))
    assert logs.errors(OWN, NOON, LATER, timedelta()).trouble == "the log was not read to its end within 0 s"
    assert asleep.answered.wait(30)
    asleep.awake.set()
    for thread in threading.enumerate():
        if thread.name == "logs":
            thread.join(30)
    assert asleep.calls == 2  # it was told to stop, and asks no further


def test_no_thread_keeps_the_process_from_ending(asleep: Asleep) -> None:
    CloudWatchLogs(cast("Session", asleep)).errors(OWN, NOON, LATER, timedelta())
    assert all(thread.daemon for thread in threading.enumerate() if thread.name == "logs")
