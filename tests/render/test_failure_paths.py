"""What the failure paths of a function say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from lambdaops.core.dlq.paths import Depth, FailurePath, Means, PathsReport
from lambdaops.render.console import Paper
from lambdaops.render.failure_paths import paths_text
from lambdaops.render.words import width
from tests.render import golden

AT = datetime(2026, 11, 4, 9, 30, tzinfo=UTC)
HERE = "eu-west-1:123456789012"
DEPTH = Depth(1_204, timedelta(days=14), timedelta(hours=31), timedelta(days=12, hours=17))
REPORT = PathsReport(
    "orders",
    "",
    AT,
    (
        FailurePath("asynchronous", "live", (), Means.DESTINATION, f"arn:aws:sqs:{HERE}:orders-failed", DEPTH),
        FailurePath(
            "asynchronous",
            "live",
            ("41",),
            Means.FUNCTION,
            f"arn:aws:sqs:{HERE}:orders-dlq",
            Depth(0, timedelta(days=4)),
            notes=("the alias's other version has another",),
        ),
        FailurePath(
            "asynchronous",
            "beta",
            ("42",),
            Means.NOWHERE,
            lost="an event that fails 3 times, or waits 6h, is lost",
            hint="aws lambda put-function-event-invoke-config ...",
        ),
        FailurePath("asynchronous", "$LATEST", ("$LATEST",), Means.NOWHERE, notes=("callers should use an alias",)),
        FailurePath("asynchronous", "", ("1", "2"), Means.FUNCTION, f"arn:aws:sns:{HERE}:old-failures"),
        FailurePath(
            f"arn:aws:sqs:{HERE}:invoices",
            "live",
            (),
            Means.REDRIVE,
            f"arn:aws:sqs:{HERE}:invoices-dlq",
            Depth(3, timedelta(days=4)),
            notes=("after 3 receives",),
        ),
        FailurePath(
            f"arn:aws:dynamodb:{HERE}:table/orders/stream/2026-01-01T00:00:00.000",
            "live",
            (),
            Means.NOWHERE,
            lost="a batch that fails is tried for ever",
        ),
        FailurePath("broker-1:9092", "live", (), Means.DESTINATION, "arn:aws:s3:::failed-batches"),
    ),
    ("2 asynchronous events of the last 7d could not be sent to the destination",),
)


def test_every_kind_of_path() -> None:
    golden.check("dlq_list", paths_text(REPORT, "--env prod") + "\n")


def test_one_alias_that_loses_nothing() -> None:
    golden.check(
        "dlq_list_alias", paths_text(replace(REPORT, alias="live", paths=REPORT.paths[:1], notes=()), "") + "\n"
    )


def test_a_narrow_terminal_and_hostile_names() -> None:
    path = replace(REPORT.paths[0], through="a\x1b[2J\nb", to=f"arn:aws:sqs:{HERE}:x\x1by", notes=("n\r\n",))
    text = paths_text(replace(REPORT, function="o\x1b", paths=(path,)), "", Paper(width=60))
    assert "\x1b" not in text.replace("\x1b[", "")
    assert all(width(line) < 200 for line in text.splitlines())
