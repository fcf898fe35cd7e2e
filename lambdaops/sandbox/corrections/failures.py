"""What becomes of an asynchronous event that fails: dead-letter queue and on-failure destination, as AWS fills them.

ministack sends the same envelope to either, or to one of them only; without version, request id, count and qualifier,
under a request id that no caller was told; with the settings of $LATEST whatever was invoked. It takes events that are
no JSON or too large. AWS: test_lambda_destinations; Lambda API reference, Invoke. Retries come after 1 s and 2 s here,
after one minute and two on AWS.
"""

from __future__ import annotations

import contextvars
import json
import logging
import re
import secrets
import threading
import time
from datetime import UTC, datetime
from typing import Any

from lambdaops.sandbox.corrections.metrics import ROUTE, Route, record_metric

_MOST = {"Event": 1024 * 1024}
_MOST_SYNCHRONOUS = 6 * 1024 * 1024
_SHOWN = 1024
_RAISED = re.compile(r"(?:[A-Za-z_]\w*\.)*(?P<type>[A-Za-z_]\w*)(?::|$)")
_log = logging.getLogger("lambda")

REQUEST: contextvars.ContextVar[str | None] = contextvars.ContextVar("request", default=None)
_EVENT: contextvars.ContextVar[str | None] = contextvars.ContextVar("event", default=None)
_TRACE: contextvars.ContextVar[str | None] = contextvars.ContextVar("trace", default=None)


def apply() -> None:
    """Replace what takes in an invocation and what tries an event again."""
    from ministack import app
    from ministack.services import lambda_svc

    handle, dispatch = lambda_svc.handle_request, lambda_svc._execute_function_dispatch
    serve = app._dispatch_service_request

    async def served(*given: object, **named: object) -> tuple[int, dict[str, str], bytes]:
        REQUEST.set(None)
        status, said, content = await serve(*given, **named)
        # The server names its answers by an id that nothing else knows of.
        return status, {**said, **({"x-amzn-requestid": request} if (request := REQUEST.get()) else {})}, content

    async def handled(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> tuple[int, dict[str, str], bytes]:
        if method != "POST" or not path.endswith("/invocations"):
            return await handle(method, path, headers, body, query)  # type: ignore[no-any-return]
        refusal = _refusal(body, headers.get("x-amz-invocation-type", "RequestResponse"))
        if refusal is not None:
            return refusal
        REQUEST.set(lambda_svc.new_uuid())
        _EVENT.set(body.decode() if body else None)
        _TRACE.set(headers.get("x-amzn-trace-id"))
        return await handle(method, path, headers, body, query)  # type: ignore[no-any-return]

    def dispatched(
        func: dict[str, Any], config: dict[str, Any], event: object, request: str, started: float
    ) -> dict[str, Any]:
        result: dict[str, Any] = dispatch(func, config, event, REQUEST.get() or request, started)
        return _named(result)

    app._dispatch_service_request = served
    lambda_svc.handle_request = handled
    lambda_svc._execute_function_dispatch = dispatched
    lambda_svc.invoke_async_with_retry = _queued


def _refusal(body: bytes, how: str) -> tuple[int, dict[str, str], bytes] | None:
    from ministack.core.responses import error_response_json

    most = _MOST.get(how, _MOST_SYNCHRONOUS)
    if len(body) > most:
        said = f"{len(body)} byte payload is too large for the {how} invocation type (limit {most} bytes)"
        return error_response_json("RequestTooLargeException", said, 413)  # type: ignore[no-any-return]
    try:
        json.loads(body or b"null")
    except ValueError as error:
        said = f"Could not parse request body into json: {error}"
        return error_response_json("InvalidRequestContentException", said, 400)  # type: ignore[no-any-return]
    return None


def _named(result: dict[str, Any]) -> dict[str, Any]:
    """With the error's own type and its stack, which ministack has in the log only."""
    body = result.get("body")
    if not (result.get("error") and isinstance(body, dict) and body.get("errorType") == "Runtime.HandlerError"):
        return result
    _, _, trace = result.get("log", "").rpartition("Traceback (most recent call last):\n")
    lines = trace.splitlines()
    raised = next((match for line in reversed(lines) if (match := _RAISED.match(line))), None)
    if raised is None:
        return result
    named = {"errorType": raised["type"], "stackTrace": [line for line in lines if line.startswith("  ")]}
    return {**result, "body": {**body, **named}}


def _queued(record: dict[str, Any], event: object) -> None:
    """Run it in the background, with retries, and route it when they are used up."""
    name = (record.get("config") or record).get("FunctionName", "unknown")
    record_metric(name, "AsyncEventsReceived", 1, "Count", time.time())
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(_tried, record, event), daemon=True).start()


def _tried(record: dict[str, Any], event: object) -> None:
    from ministack.core.responses import new_uuid, set_request_account_id, set_request_region
    from ministack.services import lambda_svc

    config = record.get("config") or record
    account, region = lambda_svc._account_region_from_function_config(config)
    set_request_account_id(account)
    set_request_region(region)
    if REQUEST.get() is None:
        REQUEST.set(new_uuid())
    route = ROUTE.get() or Route(None, config.get("Version", "$LATEST"))
    settings = _settings(config["FunctionName"], route)
    retries = int(settings.get("MaximumRetryAttempts", 2))
    longest = int(settings.get("MaximumEventAgeInSeconds", 21600))
    begun, tries, condition = time.time(), 0, "RetriesExhausted"
    while True:
        result: dict[str, Any] = lambda_svc._execute_function(record, event)
        tries += 1
        if not (result.get("error") or result.get("throttle")):
            return
        # "Without any retries" (Lambda guide) where concurrency is reserved at none at all.
        stopped = result.get("throttle") and lambda_svc._reserved_concurrency(record, config) == 0
        if tries > retries or stopped:
            break
        delay = lambda_svc._LAMBDA_ASYNC_RETRY_BASE_SECONDS * 2 ** (tries - 1)
        if time.time() - begun + delay > longest:
            condition = "EventAgeExceeded"
            break
        time.sleep(delay)
    _route(config, settings, route, event, result, tries, condition)


def _settings(function: str, route: Route) -> dict[str, Any]:
    """Of exactly what was invoked: an alias does not inherit the function's."""
    from ministack.services import lambda_svc

    configs = lambda_svc._functions.get(function, {}).get("event_invoke_configs") or {}
    qualifier = route.alias or ("" if route.version == "$LATEST" else route.version)
    found: dict[str, Any] = configs.get(qualifier) or (configs.get("$LATEST") if not qualifier else None) or {}
    return found


def _route(
    config: dict[str, Any],
    settings: dict[str, Any],
    route: Route,
    event: object,
    result: dict[str, Any],
    tries: int,
    condition: str,
) -> None:
    said = result.get("body") if isinstance(result.get("body"), dict) else {}
    text = _EVENT.get() or json.dumps(event)
    destination = ((settings.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
    if destination:
        arn = ":".join(config["FunctionArn"].split(":")[:7])
        envelope = {
            "version": "1.0",
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "requestContext": {
                "requestId": REQUEST.get(),
                "functionArn": f"{arn}:{route.alias or route.version}",
                "condition": condition,
                "approximateInvokeCount": tries,
            },
            "requestPayload": json.loads(text),
            "responseContext": {"statusCode": 200, "executedVersion": route.version, "functionError": "Unhandled"},
            "responsePayload": {**(said or {}), "requestId": REQUEST.get()},
        }
        _deliver(destination, json.dumps(envelope), {})
    dead = (config.get("DeadLetterConfig") or {}).get("TargetArn")
    if dead:
        message = str((said or {}).get("errorMessage", ""))[:_SHOWN]
        attributes = {
            "RequestID": {"DataType": "String", "StringValue": REQUEST.get()},
            "ErrorCode": {"DataType": "Number", "StringValue": "429" if result.get("throttle") else "200"},
            **({"ErrorMessage": {"DataType": "String", "StringValue": message}} if message else {}),
        }
        _deliver(dead, text, attributes)


def _deliver(arn: str, body: str, attributes: dict[str, Any]) -> None:
    from ministack.services import lambda_svc, sns, sqs

    service = arn.split(":")[2]
    if service == "sqs" and (queue := sqs._queue_by_arn(arn)) is not None:
        trace = _TRACE.get() or f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)};Sampled=0"
        request = {
            "QueueUrl": queue["url"],
            "MessageBody": body,
            "MessageAttributes": attributes,
            "MessageSystemAttributes": {"AWSTraceHeader": {"DataType": "String", "StringValue": trace}},
        }
        sqs._act_send_message(request, queue["url"])
    elif service == "sns" and arn in sns._topics:
        sns._fanout(arn, lambda_svc.new_uuid(), body, "", "", attributes)
    elif service == "lambda" and (function := lambda_svc._get_func_record_for_ref(arn)[0]):
        lambda_svc._execute_function_with_config_scope(function, json.loads(body))
    else:
        _log.warning("a failed event is lost: %s is gone, or is nothing that takes it", arn)
