"""Calls on messages with less work around each of them: what limits thousands of them is the CPU.

A fifth to a third of botocore's work in a call is to dress up a request and an answer that for these calls are plain
JSON. botocore lets a ``before-call`` handler answer in its place (its own Stubber does). This one takes the request as
botocore made it, has botocore sign it and send it over the client's own connections, and reads the answer itself.

Rules this file guarantees: only an answer with 200 and JSON is read here. Everything else is botocore's: what certainly
was not done (no connection, a refusal) it tries again as it always does; what may have been done is given to it as it
is, and never sent a second time by a client that sends once. A botocore that is built otherwise does everything itself.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.awsrequest import AWSResponse
    from botocore.client import BaseClient
    from botocore.model import OperationModel
    from botocore.signers import RequestSigner

_CALLS = {"ReceiveMessage", "SendMessageBatch", "DeleteMessageBatch", "ChangeMessageVisibilityBatch"}
_SUCCESS, _REFUSED, _BROKEN = 200, 400, 500
_Answer = tuple["AWSResponse", dict[str, Any]]


def make_brisk(client: BaseClient, *, once: bool) -> None:
    """Have an SQS client answer calls on messages this way; ``once`` where a call must not be made a second time."""
    http: Any = getattr(getattr(client, "_endpoint", None), "http_session", None)
    if http is None or client.meta.service_model.metadata.get("protocol") != "json":
        return

    def answer(
        model: OperationModel, params: dict[str, Any], request_signer: RequestSigner, **_: object
    ) -> _Answer | None:
        from botocore.awsrequest import create_request_object
        from botocore.exceptions import (
            ConnectTimeoutError,
            EndpointConnectionError,
            HTTPClientError,
            ProxyConnectionError,
        )

        if model.name not in _CALLS:
            return None
        request: Any = create_request_object(params)
        request_signer.sign(model.name, request)
        try:
            response: AWSResponse = http.send(request.prepare())
        except (ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError):
            return None
        except HTTPClientError:
            if once:
                raise
            return None
        if response.status_code == _SUCCESS and (parsed := _read(response)) is not None:
            return response, parsed
        if not once or _REFUSED <= response.status_code < _BROKEN:
            return None
        return response, _parsed(response, model)

    handler: Any = answer  # botocore's stubs have handlers that answer nothing
    client.meta.events.register_last("before-call.sqs", handler)


def _read(response: AWSResponse) -> dict[str, Any] | None:
    """The answer as botocore would give it; None for anything but an object of JSON."""
    try:
        found = json.loads(response.content)
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    for message in found.get("Messages") or ():
        for value in (message.get("MessageAttributes") or {}).values():
            if "BinaryValue" in value:
                value["BinaryValue"] = base64.b64decode(value["BinaryValue"])
    return found


def _parsed(response: AWSResponse, model: OperationModel) -> dict[str, Any]:
    """An answer as botocore reads it.

    Raises:
        ResponseParserError: it is none of AWS's.
    """
    from botocore.parsers import create_parser

    said: Mapping[str, Any] = {
        "status_code": response.status_code,
        "headers": response.headers,
        "body": response.content,
        "context": {"operation_name": model.name},
    }
    parser: Any = create_parser("json")
    found: dict[str, Any] = parser.parse(said, model.output_shape)
    return found
