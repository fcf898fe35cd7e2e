"""SNS and EventBridge: what they are asked, and an answer that says yes and means no."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.stub import ANY, Stubber

from lambdaops.aws.buses import EventBus
from lambdaops.aws.topics import SnsTopic
from lambdaops.core.errors import AccessDeniedError, NotFoundError, NotToldError
from lambdaops.core.messages import cloud_event, headline, plain_text
from lambdaops.core.notifications import EventBridgeChannel, SnsChannel
from tests.core.test_notes import NOTE
from tests.core.test_notifications import SAMPLE
from tests.core.test_replay import ARN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambdaops.aws.session import Session

TOPIC = SnsChannel("arn:aws:sns:us-east-1:111122223333:releases")
BUS = EventBridgeChannel("releases")
PUBLISHED: dict[str, Any] = {
    "TopicArn": TOPIC.topic,
    "Subject": "orders:live promoted: 41 -> 42 (prod)",
    "Message": json.dumps(
        {
            "default": json.dumps(cloud_event(SAMPLE)),
            "email": plain_text(SAMPLE),
            "sms": "orders:live promoted: 41 -> 42 (prod)",
        }
    ),
    "MessageStructure": "json",
    "MessageAttributes": {
        "moment": {"DataType": "String", "StringValue": "promoted"},
        "target": {"DataType": "String", "StringValue": "orders:live"},
        "environment": {"DataType": "String", "StringValue": "prod"},
    },
}
PUT: dict[str, Any] = {
    "Entries": [
        {
            "EventBusName": "releases",
            "Source": "lambdaops",
            "DetailType": "lambdaops.release.promoted",
            "Time": SAMPLE.at,
            "Resources": [ARN],
            "Detail": json.dumps(cloud_event(SAMPLE)),
        }
    ]
}


@pytest.fixture
def topics(session: Session) -> Iterator[Stubber]:
    with Stubber(session.topics("us-east-1")) as stub:
        yield stub
        stub.assert_no_pending_responses()


@pytest.fixture
def buses(session: Session) -> Iterator[Stubber]:
    with Stubber(session.buses(None)) as stub:
        yield stub
        stub.assert_no_pending_responses()


def test_a_topic_gets_a_form_for_each_kind_of_subscriber(session: Session, topics: Stubber) -> None:
    topics.add_response("publish", {"MessageId": "m-1"}, PUBLISHED)
    SnsTopic(session, TOPIC).tell(SAMPLE)


def test_an_attribute_without_a_value_is_left_out(session: Session, topics: Stubber) -> None:
    topics.add_response("publish", {"MessageId": "m-1"}, dict.fromkeys(PUBLISHED, ANY))
    sent: dict[str, Any] = {}
    session.topics("us-east-1").meta.events.register(
        "before-parameter-build.sns.Publish", lambda params, **_: sent.update(params)
    )
    SnsTopic(session, TOPIC).tell(replace(SAMPLE, environment=""))
    assert sent["MessageAttributes"].keys() == {"moment", "target"}


def test_a_topic_that_is_not_there(session: Session, topics: Stubber) -> None:
    topics.add_client_error("publish", "NotFound", "Topic does not exist", 404)
    with pytest.raises(NotFoundError, match=r"could not tell sns \(arn.*\): Topic does not exist"):
        SnsTopic(session, TOPIC).tell(SAMPLE)


def test_a_topic_that_may_not_be_told(session: Session, topics: Stubber) -> None:
    topics.add_client_error("publish", "AuthorizationError", "User is not authorized", 403)
    with pytest.raises(AccessDeniedError) as raised:
        SnsTopic(session, TOPIC).tell(SAMPLE)
    assert raised.value.hint == "The caller needs sns:Publish on it; check the role's policy."


def test_a_bus_gets_a_cloud_event(session: Session, buses: Stubber) -> None:
    buses.add_response("put_events", {"FailedEntryCount": 0, "Entries": [{"EventId": "e-1"}]}, PUT)
    EventBus(session, BUS).tell(SAMPLE)


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        (
            {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure", "ErrorMessage": "try later"}]},
            "eventbridge (releases) did not take it: InternalFailure: try later",
        ),
        ({"FailedEntryCount": 1, "Entries": []}, "eventbridge (releases) did not take it: it says not why"),
    ],
)
def test_a_bus_that_says_yes_and_took_nothing(
    session: Session, buses: Stubber, answer: dict[str, Any], trouble: str
) -> None:
    buses.add_response("put_events", answer, PUT)
    with pytest.raises(NotToldError) as raised:
        EventBus(session, BUS).tell(SAMPLE)
    assert raised.value.message == trouble


def test_a_bus_that_may_not_be_told(session: Session, buses: Stubber) -> None:
    buses.add_client_error("put_events", "AccessDeniedException", "not authorized", 400)
    with pytest.raises(AccessDeniedError) as raised:
        EventBus(session, BUS).tell(SAMPLE)
    assert raised.value.hint == "The caller needs events:PutEvents on it; check the role's policy."


def test_clients_are_of_the_channel_s_region_and_give_up_early(session: Session) -> None:
    far, own = session.topics("us-east-1"), session.buses(None)
    assert far.meta.region_name == "us-east-1"
    assert own.meta.region_name == "eu-central-1"
    assert session.buses("eu-west-1").meta.region_name == "eu-west-1"
    assert session.topics("us-east-1") is far
    for client in (far, own):
        config: Any = client.meta.config
        assert config.read_timeout == 3
        assert config.retries["total_max_attempts"] == 2


# -- a person's message ------------------------------------------------------------------------------------------------


def test_a_note_to_a_topic(session: Session, topics: Stubber) -> None:
    forms = {"default": json.dumps(cloud_event(NOTE)), "email": plain_text(NOTE), "sms": headline(NOTE)}
    asked = {
        "TopicArn": TOPIC.topic,
        "Subject": "urgent: payments:live: Payments are down, we are on it (prod)",
        "Message": json.dumps(forms),
        "MessageStructure": "json",
        "MessageAttributes": {
            "moment": {"DataType": "String", "StringValue": "message"},
            "level": {"DataType": "String", "StringValue": "urgent"},
            "target": {"DataType": "String", "StringValue": "payments:live"},
            "environment": {"DataType": "String", "StringValue": "prod"},
        },
    }
    topics.add_response("publish", {"MessageId": "m-1"}, asked)
    SnsTopic(session, TOPIC).tell(NOTE)


@pytest.mark.parametrize("target", ["payments:live", ARN, ""])
def test_a_note_on_a_bus(session: Session, buses: Stubber, target: str) -> None:
    note = replace(NOTE, target=target)
    entry = {
        "EventBusName": "releases",
        "Source": "lambdaops",
        "DetailType": "lambdaops.message.urgent",
        "Time": NOTE.at,
        "Resources": [ARN] if target == ARN else [],
        "Detail": json.dumps(cloud_event(note)),
    }
    buses.add_response("put_events", {"FailedEntryCount": 0, "Entries": [{"EventId": "e-1"}]}, {"Entries": [entry]})
    EventBus(session, BUS).tell(note)
