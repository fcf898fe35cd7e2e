"""Lambda: functions invoked with the events of dead letters.

Rules this file guarantees: an event is handed over once (``aws.once``); what a function answers is looked at for
whether it failed, and then dropped.
"""

from __future__ import annotations

import json
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lambdaops.aws.faults import translating
from lambdaops.aws.session import Session
from lambdaops.ports.queues import Called

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_lambda import LambdaClient

_TRACE_HEADER = "X-Amzn-Trace-Id"
_trace: ContextVar[str | None] = ContextVar("trace", default=None)
"""Invoke has no parameter for it; botocore asks its handlers in the thread that makes the call."""
_REGION_OF_ARN = 3
_TYPE_LENGTH = 200


@dataclass(frozen=True)
class LambdaInvocations:
    """Implements ports.queues.Invocations; a function is named by name or ARN."""

    session: Session

    def invoke(self, function: str, qualifier: str, payload: bytes, trace: str | None = None) -> str:
        """Have Lambda queue an event; gives the request id of the invocation."""
        answer = self._invoke(function, qualifier, payload, trace, "Event")
        return str(answer["ResponseMetadata"].get("RequestId", ""))

    def call(self, function: str, qualifier: str, payload: bytes, trace: str | None = None) -> Called:
        """Invoke and wait for the outcome."""
        answer = self._invoke(function, qualifier, payload, trace, "RequestResponse")
        said, error = answer["said"], answer.get("FunctionError", "")
        return Called(
            request=str(answer["ResponseMetadata"].get("RequestId", "")),
            error=error,
            what=str(said.get("errorType", ""))[:_TYPE_LENGTH] if error else "",
            failed=() if error else _failed(said),
        )

    def _invoke(self, function: str, qualifier: str, payload: bytes, trace: str | None, how: str) -> Mapping[str, Any]:
        name = f"{function.rpartition(':')[2]}:{qualifier}"
        waiting = how == "RequestResponse"
        request: Any = {
            "FunctionName": function,
            "Qualifier": qualifier,
            "InvocationType": how,
            "Payload": payload,
        }
        token = _trace.set(trace)
        try:
            with translating(f"invoke {name}", target=name):
                answer = self._client(function, waiting=waiting).invoke(**request)
                # Read whole, or its connection is not used again; reading is where a long answer may break off.
                body = answer["Payload"].read()
        finally:
            _trace.reset(token)
        return {**answer, "said": _object(body) if waiting else {}}

    def _client(self, function: str, *, waiting: bool) -> LambdaClient:
        region = function.split(":")[_REGION_OF_ARN] if function.startswith("arn:") else None
        client = self.session.invocations(region, waiting=waiting)
        # Registering the same handler again changes nothing.
        client.meta.events.register("before-call.lambda.Invoke", _add_trace, unique_id="lambdaops-trace")
        return client


def _add_trace(params: dict[str, Any], **_: object) -> None:
    """The trace that the event was part of, so that what becomes of it is found there."""
    if trace := _trace.get():
        params["headers"][_TRACE_HEADER] = trace


def _object(body: bytes) -> Mapping[str, Any]:
    """What a function answered, if that is a JSON object: whatever else it is, it names no error."""
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _failed(said: Mapping[str, Any]) -> tuple[str, ...]:
    """The records that the function says it could not take (ReportBatchItemFailures)."""
    items = said.get("batchItemFailures")
    if not isinstance(items, list):
        return ()
    return tuple(str(item.get("itemIdentifier") or "") if isinstance(item, dict) else "" for item in items)
