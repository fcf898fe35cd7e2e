"""Every failure path is found, and those that lead nowhere are said to."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lambdaops.core.dlq.paths import (
    AliasVersions,
    AsyncSettings,
    AsyncTraffic,
    FailurePath,
    Mapped,
    Means,
    PathsReport,
    Published,
)
from lambdaops.core.errors import AccessDeniedError, NotFoundError, ThrottledError
from lambdaops.ops.dlq.paths import failure_paths
from tests.ops.dlq.post import Post, arn
from tests.sim.failures import SimFailures

STREAM = "arn:aws:kinesis:eu-central-1:111122223333:stream/clicks"
TOPIC = "arn:aws:sns:eu-central-1:111122223333:failed"


@pytest.fixture
def post() -> Post:
    post = Post()
    post.write("orders-dlq", 3)
    post.write("orders-old", 1)
    post.box("orders-failed").retention = timedelta(days=14)
    return post


def find(failures: SimFailures, post: Post, alias: str = "") -> PathsReport:
    return failure_paths(failures, post, "orders", alias, post.clock.now())


def of(report: PathsReport, events: str = "asynchronous", through: str = "live") -> list[FailurePath]:
    return [path for path in report.paths if (path.events, path.through) == (events, through)]


# -- asynchronous ----------------------------------------------------------------------------------------------------


def test_a_dead_letter_queue_is_that_of_the_version_that_runs(post: Post) -> None:
    """It is frozen in: what $LATEST has now says nothing about version 1."""
    failures = SimFailures(versions=(Published("$LATEST", arn("orders-dlq")), Published("1")))
    report = find(failures, post)
    (live,), (latest,) = of(report), of(report, through="$LATEST")
    assert (live.means, live.versions, live.to) == (Means.NOWHERE, ("1",), "")
    assert live.lost == "an event that fails 3 times, or waits 6h, is lost"
    assert "put-function-event-invoke-config --function-name orders --qualifier live" in live.hint
    assert (latest.means, latest.to, latest.lost) == (Means.FUNCTION, arn("orders-dlq"), "")
    assert latest.depth is not None
    assert latest.depth.messages == 3


def test_two_versions_of_an_alias_with_different_queues(post: Post) -> None:
    failures = SimFailures(
        versions=(Published("$LATEST"), Published("1", arn("orders-old")), Published("2", arn("orders-dlq"))),
        pointed=(AliasVersions("live", ("1", "2")),),
    )
    old, new = of(find(failures, post))
    assert (old.versions, old.to, old.lost) == (("1",), arn("orders-old"), "")
    assert (new.versions, new.to, new.lost) == (("2",), arn("orders-dlq"), "")
    assert old.notes == new.notes == ("the alias's other version has another",)


def test_a_candidate_that_lost_its_queue_loses_events(post: Post) -> None:
    failures = SimFailures(
        versions=(Published("$LATEST"), Published("1", arn("orders-dlq")), Published("2")),
        pointed=(AliasVersions("live", ("1", "2")),),
    )
    stable, candidate = of(find(failures, post))
    assert not stable.lost
    assert (candidate.versions, bool(candidate.lost)) == (("2",), True)


def test_a_destination_holds_for_exactly_what_it_was_set_for(post: Post) -> None:
    failures = SimFailures(
        pointed=(AliasVersions("beta", ("1",)), AliasVersions("live", ("1",))),
        configured=(
            AsyncSettings("$LATEST", arn("orders-dlq")),
            AsyncSettings("beta", retries=0, max_age=timedelta(minutes=1)),
            AsyncSettings("live", arn("orders-failed")),
            AsyncSettings("1", TOPIC),
        ),
    )
    report = find(failures, post)
    (live,), (beta,), (latest,), (one,) = (of(report, through=it) for it in ("live", "beta", "$LATEST", "1"))
    assert (live.means, live.to, live.versions) == (Means.DESTINATION, arn("orders-failed"), ())
    assert beta.lost == "an event that fails once, or waits 1m, is lost"
    # Putting it would take the retries that are set away.
    assert beta.hint.startswith("aws lambda update-function-event-invoke-config")
    assert latest.to == arn("orders-dlq")
    assert (one.to, one.depth, one.lost) == (TOPIC, None, "")
    assert report.lost == 1


def test_both_a_queue_and_a_destination(post: Post) -> None:
    failures = SimFailures(
        versions=(Published("$LATEST"), Published("1", arn("orders-dlq"))),
        configured=(AsyncSettings("live", arn("orders-failed")),),
    )
    assert [path.means for path in of(find(failures, post))] == [Means.DESTINATION, Means.FUNCTION]


def test_versions_that_no_alias_points_at_are_told_once_for_each_queue(post: Post) -> None:
    failures = SimFailures(
        versions=(
            Published("$LATEST"),
            *(Published(str(number), arn("orders-old")) for number in range(1, 4)),
            Published("4", arn("orders-dlq")),
            Published("5"),
        ),
        pointed=(AliasVersions("live", ("4",)),),
    )
    (apart,) = of(find(failures, post), through="")
    assert (apart.versions, apart.to) == (("1", "2", "3"), arn("orders-old"))


def test_unpublished_code_loses_events_only_where_there_is_no_alias_to_use(post: Post) -> None:
    assert [path.lost for path in of(find(SimFailures(), post), through="$LATEST")] == [""]
    bare = SimFailures(versions=(Published("$LATEST"),), pointed=())
    assert find(bare, post).lost == 1


def test_where_no_event_comes_none_is_lost(post: Post) -> None:
    report = find(SimFailures(counted=AsyncTraffic()), post)
    assert report.lost == 0
    assert "none came in the last 7d" in of(report)[0].notes[0]
    unknown = SimFailures(errors={"traffic": AccessDeniedError("could not read: denied")})
    report = find(unknown, post)
    assert report.lost == 1
    assert report.notes == ("whether asynchronous events come at all is not known: could not read: denied",)


def test_what_lambda_could_not_deliver_is_told(post: Post) -> None:
    failures = SimFailures(counted=AsyncTraffic(9, dropped=1, dead_letter_errors=2, destination_errors=3))
    two, three, one = find(failures, post).notes
    assert two.startswith("2 asynchronous events of the last 7d could not be sent to the dead-letter queue")
    assert three.startswith("3 asynchronous events of the last 7d could not be sent to the destination")
    assert "sqs:SendMessage" in two
    assert one == "1 asynchronous events of the last 7d were dropped before they ran: too old, or throttled too long"


def test_a_queue_that_is_gone_and_one_that_may_not_be_read(post: Post) -> None:
    failures = SimFailures(versions=(Published("$LATEST"), Published("1", arn("gone"))))
    (gone,) = of(find(failures, post))
    assert gone.lost == "gone is gone: what fails now is lost"
    failures = SimFailures(versions=(Published("$LATEST"), Published("1", arn("orders-dlq"))))
    post.fail("find", AccessDeniedError("could not read queue orders-dlq: denied"))
    (closed,) = of(find(failures, post))
    assert (closed.lost, closed.depth) == ("", None)
    assert closed.notes == ("it cannot be looked at: could not read queue orders-dlq: denied",)


# -- sources ---------------------------------------------------------------------------------------------------------


def test_a_queue_with_a_redrive_policy(post: Post) -> None:
    source = post.box("orders-in")
    source.dead_letters, source.max_receives = arn("orders-failed"), 5
    failures = SimFailures(sources=(Mapped("u-1", arn("orders-in"), "live", enabled=False),))
    (path,) = of(find(failures, post), arn("orders-in"))
    assert (path.means, path.to, path.lost) == (Means.REDRIVE, arn("orders-failed"), "")
    assert path.notes == ("after 5 receives", "the mapping is disabled")


def test_a_dead_letter_queue_that_keeps_messages_no_longer_than_its_source(post: Post) -> None:
    source = post.box("orders-in")
    source.dead_letters, source.max_receives = arn("orders-dlq"), 5
    failures = SimFailures(sources=(Mapped("u-1", arn("orders-in"), "live"),))
    (path,) = of(find(failures, post), arn("orders-in"))
    assert path.notes[1] == "it keeps messages for 4d from their first send, no longer than orders-in itself"


def test_a_queue_without_a_redrive_policy_and_one_whose_dead_letter_queue_is_gone(post: Post) -> None:
    post.box("plain")
    post.box("orders-in").dead_letters = arn("gone")
    post.box("orders-in").max_receives = 5
    failures = SimFailures(sources=tuple(Mapped("u", arn(name), "live") for name in ("plain", "orders-in", "nosuch")))
    report = find(failures, post)
    (plain,), (lost,), (away,) = (of(report, arn(name)) for name in ("plain", "orders-in", "nosuch"))
    assert plain.lost == "a message that keeps failing is tried until it is 4d old, then SQS deletes it"
    assert "redrive policy" in plain.hint
    assert lost.lost == "gone is gone: no message is moved there"
    assert (away.lost, away.notes) == ("", ("nosuch is gone",))


@pytest.mark.parametrize(
    ("mapped", "lost"),
    [
        (Mapped("u", STREAM, "live"), "a batch that fails is tried for ever: it stops its shard"),
        (Mapped("u", STREAM, "live", retries=2), "a batch that fails 3 times is thrown away"),
        (
            Mapped("u", STREAM, "live", retries=0, max_age=timedelta(hours=1)),
            "a batch that fails once or is 1h old is thrown away",
        ),
        (Mapped("u", "broker-1:9092,broker-2:9092", "live"), "a batch that fails is tried for ever"),
    ],
)
def test_a_stream_without_a_destination_loses_its_records(post: Post, mapped: Mapped, lost: str) -> None:
    (path,) = of(find(SimFailures(sources=(mapped,)), post), mapped.source)
    assert path.lost.startswith(lost)
    assert "update-event-source-mapping --uuid u" in path.hint


def test_a_stream_with_a_destination(post: Post) -> None:
    good = Mapped("u", STREAM, "live", on_failure=arn("orders-failed"), retries=2)
    (path,) = of(find(SimFailures(sources=(good,)), post), STREAM)
    assert (path.means, path.to, path.lost, path.notes) == (Means.DESTINATION, arn("orders-failed"), "", ())
    for_ever = Mapped("u", STREAM, "live", on_failure=arn("orders-failed"))
    (path,) = of(find(SimFailures(sources=(for_ever,)), post), STREAM)
    assert "stops its shard" in path.notes[0]


def test_a_source_of_another_kind_is_not_judged(post: Post) -> None:
    broker = "arn:aws:mq:eu-central-1:111122223333:broker:b:b-1"
    (path,) = of(find(SimFailures(sources=(Mapped("u", broker, "live"),)), post), broker)
    assert (path.lost, path.notes) == ("", ("what becomes of it is mq's own business",))


# -- the whole -------------------------------------------------------------------------------------------------------


def test_how_old_and_until_when(post: Post) -> None:
    failures = SimFailures(
        versions=(Published("$LATEST", arn("orders-failed")), Published("1", arn("orders-dlq"))),
        ages={arn("orders-dlq"): timedelta(days=1), arn("orders-failed"): timedelta(days=9)},
    )
    report = find(failures, post)
    (live,), (latest,) = of(report), of(report, through="$LATEST")
    assert live.depth is not None
    assert (live.depth.oldest, live.depth.expires) == (timedelta(days=1), timedelta(days=3))
    # Nothing is in it: what CloudWatch said some minutes ago is over.
    assert latest.depth is not None
    assert (latest.depth.oldest, latest.depth.expires) == (None, None)
    failures.errors["oldest"] = ThrottledError("slow down")
    report = find(failures, post)
    assert report.notes == ("how old messages are is not known: slow down",)
    assert of(report)[0].depth == type(live.depth)(3, timedelta(days=4))


def test_one_alias_only(post: Post) -> None:
    failures = SimFailures(
        pointed=(AliasVersions("beta", ("1",)), AliasVersions("live", ("1",))),
        sources=(Mapped("u", STREAM, "live"), Mapped("u", STREAM, "beta"), Mapped("u", STREAM)),
    )
    report = find(failures, post, "live")
    assert [(path.events, path.through) for path in report.paths] == [("asynchronous", "live"), (STREAM, "live")]
    with pytest.raises(NotFoundError, match="orders has no alias nope") as caught:
        find(failures, post, "nope")
    assert caught.value.hint == "It has: beta, live."


def test_each_queue_is_looked_at_once_and_none_is_received_from(post: Post) -> None:
    failures = SimFailures(
        versions=(Published("$LATEST", arn("orders-dlq")), Published("1", arn("orders-dlq"))),
        configured=(AsyncSettings("live", arn("orders-dlq")),),
    )
    find(failures, post)
    assert post.calls == ["find"]


def test_what_is_configured_must_be_readable(post: Post) -> None:
    for call in ("published", "aliases", "settings", "mapped"):
        failures = SimFailures(errors={call: AccessDeniedError("denied")})
        with pytest.raises(AccessDeniedError):
            find(failures, post)
