"""What people call a queue: its name, its URL, or its ARN. Nothing is looked up here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from lambdaops.core.errors import InvalidQueueError

_NAME = re.compile(r"[A-Za-z0-9_-]{1,75}\.fifo|[A-Za-z0-9_-]{1,80}")
_ACCOUNT = re.compile(r"[0-9]{12}")
_PARTITION = re.compile(r"aws(-[a-z0-9-]+)?")
_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-[0-9]+")
# Every form AWS has given out: sqs.REGION.amazonaws.com, REGION.queue.amazonaws.com, queue.amazonaws.com (us-east-1),
# FIPS, dual stack (api.aws), China (.cn), interface endpoints (vpce-...sqs.REGION.vpce.amazonaws.com).
_HOST = re.compile(
    r"(?:.*\.)?(?:sqs|sqs-fips)\.(?P<region>[a-z0-9-]+)\.(?:vpce\.)?(?:amazonaws\.com(?:\.cn)?|api\.aws|api\.amazonwebservices\.com\.cn)"
)
_LEGACY_HOST = re.compile(r"(?:(?P<region>[a-z0-9-]+)\.)?queue\.amazonaws\.com(?:\.cn)?")
_LEGACY_REGION = "us-east-1"
_HINT = "Give a queue's name, its URL, or its ARN (arn:aws:sqs:REGION:ACCOUNT:NAME)."
_ARN_PARTS = 6


@dataclass(frozen=True, slots=True)
class QueueName:
    """A queue as somebody named it; account, region and URL where that says so, else empty."""

    name: str
    account: str = ""
    region: str = ""
    url: str = ""


def queue_name(text: str) -> QueueName:
    """Understand a name, URL or ARN.

    Raises:
        InvalidQueueError: it is none of these.
    """
    if text.startswith("arn:"):
        return _of_arn(text)
    if "/" in text:
        return _of_url(text)
    if not _NAME.fullmatch(text):
        raise InvalidQueueError(f"{text!r} is not a queue", hint=_HINT)
    return QueueName(text)


def _of_arn(text: str) -> QueueName:
    parts = text.split(":")
    if len(parts) != _ARN_PARTS or parts[2] != "sqs":
        raise InvalidQueueError(f"{text!r} is not the ARN of a queue", hint=_HINT)
    _, partition, _, region, account, name = parts
    right = (
        _PARTITION.fullmatch(partition)
        and _REGION.fullmatch(region)
        and _ACCOUNT.fullmatch(account)
        and _NAME.fullmatch(name)
    )
    if not right:
        raise InvalidQueueError(f"{text!r} is not the ARN of a queue", hint=_HINT)
    return QueueName(name, account, region)


def _of_url(text: str) -> QueueName:
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
    except ValueError:  # such as "http://[": not an address
        raise InvalidQueueError(f"{text!r} is not the URL of a queue", hint=_HINT) from None
    path = parts.path.strip("/").split("/")
    if (
        parts.scheme not in ("http", "https")
        or not host
        or parts.username is not None
        or parts.query
        or parts.fragment
        or not text.isprintable()  # urlsplit drops line breaks without a word
        or len(path) < 2  # noqa: PLR2004 -- ACCOUNT/NAME
        or not _ACCOUNT.fullmatch(path[-2])
        or not _NAME.fullmatch(path[-1])
    ):
        raise InvalidQueueError(f"{_without_login(text)!r} is not the URL of a queue", hint=_HINT)
    return QueueName(path[-1], path[-2], _region(host), text.rstrip("/"))


def _without_login(text: str) -> str:
    """The URL without a name and password in it."""
    return re.sub(r"//[^/@]*@", "//***@", text)


def _region(host: str) -> str:
    """The region that a host of AWS's is in; empty for any other host (an emulator's, a proxy's)."""
    if match := _HOST.fullmatch(host):
        return match["region"]
    if match := _LEGACY_HOST.fullmatch(host):
        return match["region"] or _LEGACY_REGION
    return ""
