"""The gateways of dead letters against the sandbox, over HTTP: what a Stubber cannot show."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lambdaops.aws.failures import AwsFailurePaths
from lambdaops.aws.invocations import LambdaInvocations
from lambdaops.aws.moves import SqsMoves
from lambdaops.aws.queues import SqsQueues
from lambdaops.aws.session import Session
from lambdaops.aws.streams import AwsStreams
from lambdaops.cli.clock import SystemClock
from lambdaops.core.dlq.dead import Kind, StreamBatch, decode
from lambdaops.core.dlq.letter import Attribute, Outgoing
from lambdaops.core.dlq.paths import AsyncSettings, Mapped, Published
from lambdaops.core.errors import ConflictError, NotFoundError, RejectedError
from lambdaops.sandbox import server as sandbox
from tests.wire.conftest import FAILING, until, zipped
from tests.wire.fidelity.test_queues import arn, make, receive, source_of

if TYPE_CHECKING:
    from lambdaops.core.dlq.letter import Letter, Queue
    from lambdaops.sandbox.server import Server
    from tests.wire.conftest import Clients, Function

TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793"
WAIT = timedelta(seconds=1)
HIDDEN = timedelta(seconds=30)


@pytest.fixture
def session(server: Server) -> Session:
    return Session(variables=sandbox.environment(server))


@pytest.fixture
def queues(session: Session) -> SqsQueues:
    return SqsQueues(session, SystemClock())


@pytest.fixture
def sqs(clients: Clients) -> Any:
    return clients("sqs")


def get(queues: SqsQueues, queue: Queue) -> Letter:
    found: list[Letter] = []

    def came() -> bool:
        found.extend(queues.receive(queue, 10, HIDDEN, WAIT))
        return bool(found)

    until(came)
    return found[0]


def test_a_queue_by_name_url_and_arn(queues: SqsQueues, sqs: Any) -> None:
    url = make(sqs)
    by_name = queues.find(url.rpartition("/")[2])
    assert by_name.url == url
    assert abs(by_name.at - datetime.now(UTC)) < timedelta(seconds=5)
    for other in (url, by_name.arn, url.replace("127.0.0.1", "localhost")):
        assert queues.find(other).arn == by_name.arn
    with pytest.raises(NotFoundError):
        queues.find("nosuch")


def test_a_letter_there_and_back_is_the_same(queues: SqsQueues, sqs: Any) -> None:
    queue = queues.find(make(sqs))
    attributes = {
        "text": Attribute("String.custom", "v\n"),
        "number": Attribute("Number", "12345678901234567890.5"),
        "raw": Attribute("Binary.gif", b"\x00\xff"),
    }
    body = '{"b" :1,\r\n"ä": "\U0001f600"}'
    sent = queues.send(queue, [Outgoing("a", body, attributes, group="tenant-7", trace=TRACE)])
    letter = get(queues, queue)
    assert (letter.id,) == sent.new
    assert (letter.body, dict(letter.attributes)) == (body, attributes)
    assert (letter.group, letter.trace, letter.receives, letter.source) == ("tenant-7", TRACE, 1, None)
    assert letter.sent <= queue.at + timedelta(seconds=1)
    assert queues.hide(queue, [letter], timedelta()).taken == (letter.id,)
    again = get(queues, queue)
    assert (again.id, again.receives) == (letter.id, 2)
    assert queues.delete(queue, [again]).taken == (letter.id,)
    assert queues.find(queue.url).total == 0


def test_some_of_a_batch_are_refused(queues: SqsQueues, sqs: Any) -> None:
    queue = queues.find(make(sqs))
    batch = queues.send(queue, [Outgoing("good", "x", {}), Outgoing("bad", "secret\x00", {})])
    assert batch.taken == ("good",)
    assert [(no.id, no.code, no.fault) for no in batch.refused] == [("bad", "InvalidMessageContents", True)]
    assert "secret" not in repr(batch)
    with pytest.raises(RejectedError, match="Batch requests cannot be longer"):
        queues.send(queue, [Outgoing(name, "x" * 600_000, {}) for name in ("a", "b")])


def test_sources_purge_and_a_queue_that_goes_away(queues: SqsQueues, sqs: Any) -> None:
    dead = make(sqs)
    source = source_of(sqs, dead)
    queue = queues.find(dead)
    assert queues.sources(queue) == (arn(sqs, source),)
    assert queues.find(source).dead_letters == queue.arn
    queues.purge(queue)
    with pytest.raises(ConflictError):
        queues.purge(queue)
    sqs.delete_queue(QueueUrl=dead)
    for call in (
        lambda: queues.receive(queue, 1, HIDDEN, timedelta()),
        lambda: queues.send(queue, [Outgoing("a", "x", {})]),
        lambda: queues.purge(queue),
    ):
        with pytest.raises(NotFoundError):
            call()


def test_a_native_move(session: Session, queues: SqsQueues, sqs: Any) -> None:
    dead = make(sqs)
    source = source_of(sqs, dead)
    moves = SqsMoves(session)
    with pytest.raises(RejectedError, match="must be configured as a Dead Letter Queue"):
        moves.start(arn(sqs, source), None, None)
    for number in range(20):
        sqs.send_message(QueueUrl=source, MessageBody=str(number))
    while receive(sqs, source, hidden=0):
        pass
    handle = moves.start(arn(sqs, dead), None, 5)
    with pytest.raises(ConflictError, match="already a task running"):
        moves.start(arn(sqs, dead), None, None)
    (running,) = moves.recent(arn(sqs, dead))
    assert (running.state, running.handle, running.total) == ("RUNNING", handle, 20)
    assert abs(running.started - datetime.now(UTC)) < timedelta(minutes=1)
    moves.cancel(arn(sqs, dead), handle)
    until(lambda: moves.recent(arn(sqs, dead))[0].state == "CANCELLED")
    assert queues.find(source).total + queues.find(dead).total == 20
    with pytest.raises(NotFoundError, match="Task does not exist"):
        moves.cancel(arn(sqs, dead), handle)


def test_an_event_comes_back_under_the_request_id_that_was_given(
    session: Session, queues: SqsQueues, sqs: Any, function: Function
) -> None:
    invocations, url = LambdaInvocations(session), make(sqs)
    function.point(function.publish(FAILING))
    function.clients("lambda").put_function_event_invoke_config(
        FunctionName=function.name,
        Qualifier="live",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": arn(sqs, url)}},
    )
    request = invocations.invoke(function.arn, "live", b'{"id": 1}', TRACE)
    letter = get(queues, queues.find(url))
    dead = decode(letter)
    assert (dead.kind, dead.request, dead.qualifier, dead.payload) == (Kind.DESTINATION, request, "live", '{"id": 1}')
    assert letter.trace == TRACE
    called = invocations.call(function.name, "live", b"{}")
    assert (called.error, called.what) == ("Unhandled", "ValueError")
    with pytest.raises(NotFoundError):
        invocations.invoke(function.name, "nosuch", b"{}")
    with pytest.raises(RejectedError, match="too large"):
        invocations.invoke(function.name, "live", b'"' + b"x" * 1_100_000 + b'"')
    with pytest.raises(RejectedError, match=r"into json$"):
        invocations.invoke(function.name, "live", b"secret")


def test_a_function_that_reports_records(session: Session, function: Function) -> None:
    source = "def handler(event, context):\n    return {'batchItemFailures': [{'itemIdentifier': '495'}]}\n"
    version = function.publish(zipped(source))
    called = LambdaInvocations(session).call(function.name, version, b"{}")
    assert (called.error, called.failed) == ("", ("495",))


def test_records_of_a_kinesis_stream(session: Session, clients: Clients) -> None:
    kinesis = clients("kinesis")
    kinesis.create_stream(StreamName="clicks", ShardCount=1)

    def about() -> Any:
        return kinesis.describe_stream_summary(StreamName="clicks")["StreamDescriptionSummary"]

    until(lambda: about()["StreamStatus"] == "ACTIVE")
    put = [kinesis.put_record(StreamName="clicks", Data=f"{n}".encode(), PartitionKey="p") for n in range(5)]
    stream = about()["StreamARN"]
    batch = StreamBatch(stream, put[1]["ShardId"], put[1]["SequenceNumber"], put[3]["SequenceNumber"], 3)
    found = AwsStreams(session).fetch(batch)
    assert [it["kinesis"]["data"] for it in found] == ["MQ==", "Mg==", "Mw=="]  # type: ignore[index]
    json.dumps(found)
    with pytest.raises(RejectedError, match="the function was given 2"):
        AwsStreams(session).fetch(StreamBatch(stream, batch.shard, batch.first, batch.last, 2))
    with pytest.raises(NotFoundError):
        AwsStreams(session).fetch(StreamBatch(stream.replace("clicks", "nosuch"), batch.shard, "1", "2", 2))


def test_records_of_a_table(session: Session, clients: Clients) -> None:
    tables, streams = clients("dynamodb"), clients("dynamodbstreams")
    stream = tables.create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"]["LatestStreamArn"]
    for number in range(4):
        tables.put_item(TableName="orders", Item={"id": {"S": str(number)}, "raw": {"B": b"\x00"}})
    shard = streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(StreamArn=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    records = streams.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
    first, last = (records[at]["dynamodb"]["SequenceNumber"] for at in (1, 2))
    found = AwsStreams(session).fetch(StreamBatch(stream, shard, first, last, 2))
    images: list[Any] = [it["dynamodb"] for it in found]
    assert [image["NewImage"] for image in images] == [
        {"id": {"S": str(number)}, "raw": {"B": "AA=="}} for number in (1, 2)
    ]
    json.dumps(found)


def test_failure_paths(session: Session, function: Function, sqs: Any) -> None:
    paths, client, url = AwsFailurePaths(session, SystemClock()), function.clients("lambda"), make(sqs)
    queue = arn(sqs, url)
    client.update_function_configuration(FunctionName=function.name, DeadLetterConfig={"TargetArn": queue})
    version = function.publish(FAILING)
    client.put_function_event_invoke_config(
        FunctionName=function.name,
        Qualifier="live",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": queue}},
    )
    source = make(sqs)
    mapping = client.create_event_source_mapping(EventSourceArn=arn(sqs, source), FunctionName=function.target)["UUID"]
    assert paths.published(function.name) == (
        Published("$LATEST", queue),
        Published("1"),
        Published("2"),
        Published(version, queue),
    )
    assert [(one.alias, one.versions) for one in paths.aliases(function.name)] == [("live", ("1",))]
    assert paths.settings(function.name) == (AsyncSettings("live", queue, 0),)
    assert paths.mapped(function.name, ["live"]) == (Mapped(mapping, arn(sqs, source), "live"),)
    client.delete_event_source_mapping(UUID=mapping)
    sqs.send_message(QueueUrl=url, MessageBody="x")
    assert timedelta() <= paths.oldest([queue])[queue] < timedelta(minutes=1)
    assert paths.traffic(function.name, timedelta(days=1)).received == 0
    client.invoke(FunctionName=function.target, InvocationType="Event", Payload=b"{}")
    until(lambda: paths.traffic(function.name, timedelta(days=1)).received == 1)
