"""CloudTrail's events as changes of an alias."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.stub import Stubber

from lambdaops.aws.trails import CloudTrail
from lambdaops.core.errors import AccessDeniedError
from lambdaops.core.model import Routing

if TYPE_CHECKING:
    from lambdaops.aws.session import Session
    from lambdaops.core.audit.reconcile import Change

NOON = datetime(2026, 8, 1, 12, tzinfo=UTC)
ARN = "arn:aws:lambda:eu-central-1:111122223333:function:orders"
EVE = "arn:aws:iam::111122223333:user/eve"
SINCE, UNTIL = NOON - timedelta(days=7), NOON
NAMES = ("UpdateAlias20150331", "CreateAlias20150331", "DeleteAlias20150331")


def event(name: str, minute: int = 0, **told: Any) -> dict[str, Any]:
    record = {
        "userIdentity": {"type": "IAMUser", "arn": EVE},
        "eventName": name,
        "userAgent": "aws-cli/2.30",
        "requestID": f"req-{minute}",
        "eventID": f"e-{minute}",
        "requestParameters": {"functionName": "orders", "name": "live", "functionVersion": "2"},
        "responseElements": None,
        **told,
    }
    return {"EventTime": NOON - timedelta(minutes=minute), "CloudTrailEvent": json.dumps(record)}


def version(number: str, weights: dict[str, float]) -> dict[str, Any]:
    return {"functionVersion": number, "routingConfig": {"additionalVersionWeights": weights}}


def asked(name: str, **more: Any) -> dict[str, Any]:
    wanted = [{"AttributeKey": "EventName", "AttributeValue": name}]
    return {"LookupAttributes": wanted, "StartTime": SINCE, "EndTime": UNTIL, **more}


def changes(session: Session, *events: dict[str, Any]) -> tuple[Change, ...]:
    with Stubber(session.trails()) as stub:
        for name in NAMES:
            own = [one for one in events if json.loads(one["CloudTrailEvent"])["eventName"] == name]
            stub.add_response("lookup_events", {"Events": own}, asked(name))
        found = CloudTrail(session).alias_changes("orders", "live", SINCE, UNTIL)
        stub.assert_no_pending_responses()
    return found


def test_each_kind_oldest_first(session: Session) -> None:
    found = changes(session, *(event(name, minute) for minute, name in enumerate(NAMES)))
    assert [(one.kind, one.request_id, one.by, one.agent) for one in found] == [
        ("delete", "req-2", EVE, "aws-cli/2.30"),
        ("create", "req-1", EVE, "aws-cli/2.30"),
        ("update", "req-0", EVE, "aws-cli/2.30"),
    ]
    assert found[-1].at == NOON


def test_every_page(session: Session) -> None:
    with Stubber(session.trails()) as stub:
        first = {"Events": [event(NAMES[0], 1)], "NextToken": "more"}
        stub.add_response("lookup_events", first, asked(NAMES[0]))
        stub.add_response("lookup_events", {"Events": [event(NAMES[0])]}, asked(NAMES[0], NextToken="more"))
        for name in NAMES[1:]:
            stub.add_response("lookup_events", {"Events": []}, asked(name))
        found = CloudTrail(session).alias_changes("orders", "live", SINCE, UNTIL)
    assert [one.request_id for one in found] == ["req-1", "req-0"]


@pytest.mark.parametrize("named", ["orders", ARN, f"{ARN}:live", "111122223333:function:orders"])
def test_however_the_function_was_named(session: Session, named: str) -> None:
    told = {"functionName": named, "name": "live", "functionVersion": "2"}
    assert len(changes(session, event(NAMES[0], requestParameters=told))) == 1


@pytest.mark.parametrize(
    "told",
    [
        {"requestParameters": {"functionName": "invoices", "name": "live"}},
        {"requestParameters": {"functionName": "orders", "name": "beta"}},
        {"requestParameters": {"functionName": f"{ARN}s", "name": "live"}},
        {"requestParameters": None},
        {"errorCode": "PreconditionFailedException"},
    ],
)
def test_other_aliases_and_refusals_are_no_changes(session: Session, told: dict[str, Any]) -> None:
    assert changes(session, event(NAMES[0], **told)) == ()


def test_an_event_that_cannot_be_read_is_none(session: Session) -> None:
    torn = {**event(NAMES[0]), "CloudTrailEvent": "{"}
    with Stubber(session.trails()) as stub:
        stub.add_response("lookup_events", {"Events": [torn]}, asked(NAMES[0]))
        for name in NAMES[1:]:
            stub.add_response("lookup_events", {"Events": []}, asked(name))
        assert CloudTrail(session).alias_changes("orders", "live", SINCE, UNTIL) == ()


@pytest.mark.parametrize(
    ("request_", "answer", "routing"),
    [
        ({"functionVersion": "2"}, None, Routing("2")),
        (
            {"functionVersion": "1", "routingConfig": {"additionalVersionWeights": {"2": 0.1}}},
            None,
            Routing("1", "2", 1000),
        ),
        (version("1", {"2": 0.1}), None, Routing("1", "2", 1_000)),
        (version("1", {}), None, Routing("1")),
        ({}, version("3", {"4": 0.5}), Routing("3", "4", 5_000)),
        ({"description": "new words"}, None, None),
    ],
)
def test_what_it_was_made_to_be(
    session: Session, request_: dict[str, Any], answer: dict[str, Any] | None, routing: Routing | None
) -> None:
    told = {"functionName": "orders", "name": "live", **request_}
    (change,) = changes(session, event(NAMES[0], requestParameters=told, responseElements=answer))
    assert change.routing == routing


@pytest.mark.parametrize(
    ("identity", "who"),
    [({"type": "AWSService", "invokedBy": "codedeploy.amazonaws.com"}, "codedeploy.amazonaws.com"), ({}, "")],
)
def test_who_without_an_arn(session: Session, identity: dict[str, Any], who: str) -> None:
    assert changes(session, event(NAMES[0], userIdentity=identity))[0].by == who


def test_a_refusal(session: Session) -> None:
    with Stubber(session.trails()) as stub:
        stub.add_client_error("lookup_events", "AccessDeniedException", "no")
        with pytest.raises(AccessDeniedError, match="look at CloudTrail's events") as caught:
            CloudTrail(session).alias_changes("orders", "live", SINCE, UNTIL)
    assert "cloudtrail:LookupEvents" in caught.value.hint
