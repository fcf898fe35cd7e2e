"""Trying again only what certainly was not done: sending a message, invoking a function.

botocore tries again after a lost answer, too. For these calls that would be a second message, or a second invocation,
that nobody knows of: only a refusal for rate, or a connection that never came about, is worth another try.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.awsrequest import AWSResponse
    from botocore.client import BaseClient

ATTEMPTS = 5
_FIRST_SECONDS, _MOST_SECONDS = 0.25, 4.0
_TOO_MANY = 429
_THROTTLED = {
    "TooManyRequestsException",
    "Throttling",
    "ThrottlingException",
    "RequestThrottled",
    "RequestThrottledException",
    "KmsThrottled",
    "KMS.ThrottlingException",
    "SlowDown",
}


def try_again_if_not_done(client: BaseClient) -> None:
    """Have a client whose botocore never tries again do so where that is safe; five times within eight seconds."""
    handler: Any = _delay  # botocore's stubs have handlers that answer nothing
    client.meta.events.register("needs-retry", handler)


def _delay(
    attempts: int,
    response: tuple[AWSResponse, Mapping[str, Any]] | None = None,
    caught_exception: Exception | None = None,
    **_: object,
) -> float | None:
    """Seconds until the next try, or None for none: what botocore asks its handlers after each attempt."""
    if attempts >= ATTEMPTS or not _not_done(response, caught_exception):
        return None
    return random.uniform(0, min(_MOST_SECONDS, _FIRST_SECONDS * 2**attempts))  # noqa: S311 -- spreads callers


def _not_done(response: tuple[AWSResponse, Mapping[str, Any]] | None, error: Exception | None) -> bool:
    from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError

    if response is None:
        return isinstance(error, ConnectTimeoutError | EndpointConnectionError | ProxyConnectionError)
    http, parsed = response
    said = parsed.get("Error", {})
    return http.status_code == _TOO_MANY or bool({said.get("Code"), said.get("QueryErrorCode")} & _THROTTLED)
