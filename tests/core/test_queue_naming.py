"""What people call a queue."""

from __future__ import annotations

import pytest

from lambdaops.core.dlq.naming import QueueName, queue_name
from lambdaops.core.errors import InvalidQueueError

ACCOUNT = "111122223333"


@pytest.mark.parametrize(
    ("text", "name", "account", "region"),
    [
        ("orders-dlq", "orders-dlq", "", ""),
        ("Orders_1.fifo", "Orders_1.fifo", "", ""),
        (f"arn:aws:sqs:eu-central-1:{ACCOUNT}:orders-dlq", "orders-dlq", ACCOUNT, "eu-central-1"),
        (f"arn:aws-cn:sqs:cn-north-1:{ACCOUNT}:q.fifo", "q.fifo", ACCOUNT, "cn-north-1"),
        (f"arn:aws-us-gov:sqs:us-gov-west-1:{ACCOUNT}:q", "q", ACCOUNT, "us-gov-west-1"),
        (f"https://sqs.eu-central-1.amazonaws.com/{ACCOUNT}/q", "q", ACCOUNT, "eu-central-1"),
        (f"https://sqs.cn-north-1.amazonaws.com.cn/{ACCOUNT}/q", "q", ACCOUNT, "cn-north-1"),
        (f"https://sqs-fips.us-east-2.amazonaws.com/{ACCOUNT}/q", "q", ACCOUNT, "us-east-2"),
        (f"https://sqs.us-west-2.api.aws/{ACCOUNT}/q", "q", ACCOUNT, "us-west-2"),
        (f"https://eu-west-1.queue.amazonaws.com/{ACCOUNT}/q", "q", ACCOUNT, "eu-west-1"),
        (f"https://queue.amazonaws.com/{ACCOUNT}/q", "q", ACCOUNT, "us-east-1"),
        (f"https://vpce-0a1b-2c.sqs.eu-west-3.vpce.amazonaws.com/{ACCOUNT}/q", "q", ACCOUNT, "eu-west-3"),
        (f"http://127.0.0.1:4566/{ACCOUNT}/q", "q", ACCOUNT, ""),
        (f"http://localhost:4566/queue/eu-west-1/{ACCOUNT}/q.fifo", "q.fifo", ACCOUNT, ""),
        (f"http://proxy.example/{ACCOUNT}/q/", "q", ACCOUNT, ""),
    ],
)
def test_every_form_is_understood(text: str, name: str, account: str, region: str) -> None:
    assert queue_name(text) == QueueName(name, account, region, text.rstrip("/") if "/" in text else "")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-" * 81,
        "a" * 76 + ".fifo",
        "two words",
        "q\n",
        "q.standard",
        "ümlaut",
        "arn:aws:sns:eu-central-1:111122223333:topic",
        "arn:aws:sqs:eu-central-1:111122223333:a:b",
        "arn:aws:sqs::111122223333:q",
        "arn:aws:sqs:eu-central-1:12:q",
        "arn:aws:lambda:eu-central-1:111122223333:function:orders",
        "https://sqs.eu-central-1.amazonaws.com/q",
        "https://sqs.eu-central-1.amazonaws.com/12/q",
        "ftp://sqs.eu-central-1.amazonaws.com/111122223333/q",
        "https:///111122223333/q",
        "http://[/111122223333/q",
        "s3://bucket/111122223333/q",
        "/111122223333/q",
        "http://127.0.0.1/111122223333/q\n",
        "http://127.0.0.1/111122223333/q?Action=DeleteQueue",
        "orders:live",
    ],
)
def test_anything_else_is_refused_with_the_forms_there_are(text: str) -> None:
    with pytest.raises(InvalidQueueError, match="is not") as caught:
        queue_name(text)
    assert "ARN" in caught.value.hint


def test_a_password_in_a_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(InvalidQueueError) as caught:
        queue_name(f"https://me:secret@sqs.eu-central-1.amazonaws.com/{ACCOUNT}/q")
    assert "secret" not in str(caught.value)
