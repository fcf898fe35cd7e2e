"""DescribeAlarms: every kind, a hundred names a call, every page, and never without a name."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from lambdaops.aws.alarms import CloudWatchAlarms
from lambdaops.core.errors import AccessDeniedError, RejectedError
from lambdaops.core.model import AlarmKind, AlarmReading, AlarmState

if TYPE_CHECKING:
    from botocore.stub import Stubber

    from lambdaops.aws.session import Session

TRANSITION = datetime(2026, 11, 23, 3, 0, 0, 123_457, tzinfo=UTC)
UPDATE = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


@pytest.fixture
def alarms(session: Session) -> CloudWatchAlarms:
    return CloudWatchAlarms(session)


KINDS = ["MetricAlarm", "CompositeAlarm", "LogAlarm"]


def asked(names: list[str], **more: str) -> dict[str, Any]:
    return {"AlarmNames": names, "AlarmTypes": KINDS, "MaxRecords": 100, **more}


def alarm(name: str, state: str = "OK", **more: Any) -> dict[str, Any]:
    return {"AlarmName": name, "StateValue": state, **more}


def test_no_name_is_no_call(alarms: CloudWatchAlarms, alarm_calls: Stubber) -> None:
    """To DescribeAlarms, an empty list means every alarm of the account."""
    assert alarms.read_alarms([]) == ()


def test_one_alarm(alarms: CloudWatchAlarms, alarm_calls: Stubber) -> None:
    answer = {"MetricAlarms": [alarm("errors", "ALARM", StateTransitionedTimestamp=TRANSITION)]}
    alarm_calls.add_response("describe_alarms", answer, asked(["errors"]))
    assert alarms.read_alarms(["errors"]) == (AlarmReading("errors", AlarmKind.METRIC, AlarmState.ALARM, TRANSITION),)


def test_alarms_of_every_kind(alarms: CloudWatchAlarms, alarm_calls: Stubber) -> None:
    answer = {
        "CompositeAlarms": [alarm("all", "INSUFFICIENT_DATA")],
        "MetricAlarms": [alarm("errors")],
        "LogAlarms": [alarm("panics", "ALARM", StateTransitionedTimestamp=TRANSITION, EvaluationState="PARTIAL_DATA")],
    }
    alarm_calls.add_response("describe_alarms", answer, asked(["all", "errors", "panics"]))
    assert set(alarms.read_alarms(["all", "errors", "panics"])) == {
        AlarmReading("all", AlarmKind.COMPOSITE, AlarmState.INSUFFICIENT_DATA),
        AlarmReading("errors", AlarmKind.METRIC, AlarmState.OK),
        AlarmReading("panics", AlarmKind.LOG, AlarmState.ALARM, TRANSITION, "PARTIAL_DATA"),
    }


def test_no_kind_is_left_out(session: Session) -> None:
    """A kind that a new boto3 brings would be an alarm that is never looked at."""
    output = session.alarms().meta.service_model.operation_model("DescribeAlarms").output_shape
    assert output is not None
    assert set(output.members) - {"NextToken"} == {f"{kind}s" for kind in KINDS}


def test_a_region_that_does_not_know_the_youngest_kind_is_asked_without_it(
    alarms: CloudWatchAlarms, alarm_calls: Stubber
) -> None:
    """On every page, and only then."""
    old = {**asked(["errors"]), "AlarmTypes": KINDS[:2]}
    no = "Value '[MetricAlarm, CompositeAlarm, LogAlarm]' at 'alarmTypes' failed to satisfy constraint"
    alarm_calls.add_client_error("describe_alarms", "ValidationError", no, 400, expected_params=asked(["errors"]))
    alarm_calls.add_response("describe_alarms", {"MetricAlarms": [alarm("errors")], "NextToken": "2"}, old)
    alarm_calls.add_response("describe_alarms", {"MetricAlarms": [alarm("more")]}, {**old, "NextToken": "2"})
    assert [reading.name for reading in alarms.read_alarms(["errors"])] == ["errors", "more"]


def test_another_refusal_is_not_asked_again(alarms: CloudWatchAlarms, alarm_calls: Stubber) -> None:
    alarm_calls.add_client_error("describe_alarms", "ValidationError", "AlarmNames", 400)
    with pytest.raises(RejectedError):
        alarms.read_alarms(["errors"])


def test_an_alarm_that_is_not_there_is_left_out(alarms: CloudWatchAlarms, alarm_calls: Stubber) -> None:
    alarm_calls.add_response("describe_alarms", {"MetricAlarms": [alarm("errors")]}, asked(["errors", "gone"]))
    assert [reading.name for reading in alarms.read_alarms(["errors", "gone"])] == ["errors"]


@pytest.mark.parametrize(("count", "sizes"), [(100, [100]), (101, [100, 1]), (250, [100, 100, 50])])
def test_a_hundred_names_are_one_call(
    alarms: CloudWatchAlarms, alarm_calls: Stubber, count: int, sizes: list[int]
) -> None:
    names = [f"alarm-{number}" for number in range(count)]
    rest = list(names)
    for size in sizes:
        chunk, rest = rest[:size], rest[size:]
        alarm_calls.add_response("describe_alarms", {"MetricAlarms": [alarm(name) for name in chunk]}, asked(chunk))
    assert [reading.name for reading in alarms.read_alarms(names)] == names


def test_a_name_given_twice_is_asked_once(alarms: CloudWatchAlarms, alarm_calls: Stubber) -> None:
    answer = {"MetricAlarms": [alarm("a"), alarm("b")]}
    alarm_calls.add_response("describe_alarms", answer, asked(["b", "a"]))
    assert len(alarms.read_alarms(["b", "a", "b", "a"])) == 2


def test_every_page_is_read(alarms: CloudWatchAlarms, alarm_calls: Stubber) -> None:
    """And the next hundred names start without the last page's token."""
    names = [f"alarm-{number}" for number in range(101)]
    alarm_calls.add_response("describe_alarms", {"MetricAlarms": [alarm("a")], "NextToken": "2"}, asked(names[:100]))
    alarm_calls.add_response("describe_alarms", {"NextToken": "3"}, asked(names[:100], NextToken="2"))
    alarm_calls.add_response("describe_alarms", {"CompositeAlarms": [alarm("b")]}, asked(names[:100], NextToken="3"))
    alarm_calls.add_response("describe_alarms", {"MetricAlarms": [alarm("c")]}, asked(names[100:]))
    assert [reading.name for reading in alarms.read_alarms(names)] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("times", "changed_at"),
    [
        ({"StateTransitionedTimestamp": TRANSITION, "StateUpdatedTimestamp": UPDATE}, TRANSITION),
        ({"StateUpdatedTimestamp": UPDATE}, UPDATE),
        ({}, None),
    ],
    ids=["both", "updated only", "none"],
)
def test_when_the_state_changed(
    alarms: CloudWatchAlarms, alarm_calls: Stubber, times: dict[str, Any], changed_at: datetime | None
) -> None:
    alarm_calls.add_response("describe_alarms", {"MetricAlarms": [alarm("errors", **times)]})
    (reading,) = alarms.read_alarms(["errors"])
    assert reading.changed_at == changed_at


def test_a_refusal_on_a_later_page_is_a_refusal(alarms: CloudWatchAlarms, alarm_calls: Stubber) -> None:
    alarm_calls.add_response("describe_alarms", {"MetricAlarms": [alarm("a")], "NextToken": "2"})
    alarm_calls.add_client_error("describe_alarms", "AccessDenied", "not authorized", 403)
    with pytest.raises(AccessDeniedError, match="could not read the alarms: not authorized"):
        alarms.read_alarms(["a", "b"])
