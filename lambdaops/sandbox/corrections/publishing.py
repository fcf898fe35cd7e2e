"""Publishing is guarded and idempotent as on AWS, and updates are really in progress for a moment.

ministack ignores CodeSha256 and RevisionId at the publish, publishes again when the same zip was uploaded again,
deploys a DryRun, and lets updates and publishes overlap. On AWS the revision changes once more when an update
completes, and a publish changes the revision of $LATEST too (both as recorded on AWS).
"""

from __future__ import annotations

import base64
import contextvars
import hashlib
import json
import threading
import time
from typing import Any

# What differs between two publications of the same code and configuration.
_VOLATILE = {
    "Version",
    "RevisionId",
    "FunctionArn",
    "LastModified",
    "State",
    "StateReason",
    "StateReasonCode",
    "LastUpdateStatus",
    "LastUpdateStatusReason",
    "LastUpdateStatusReasonCode",
    "ConfigSha256",
    "Description",
    "CodeSha256",
}


def config_sha256(config: dict[str, Any]) -> str:
    """A hash of everything in a configuration that a publication freezes, but for the code."""
    kept = {key: value for key, value in config.items() if key not in _VOLATILE}
    return base64.b64encode(hashlib.sha256(json.dumps(kept, sort_keys=True, default=str).encode()).digest()).decode()


def apply() -> None:  # noqa: PLR0915 -- five replacements, which share what they wrap
    """Guard ministack's updates and publishes."""
    from ministack.core.responses import error_response_json, json_response, new_uuid
    from ministack.services import lambda_svc

    publish, update_code = lambda_svc._publish_version, lambda_svc._update_code
    update_config = lambda_svc._update_config

    def busy(name: str) -> object | None:
        config = lambda_svc._functions.get(name, {}).get("config", {})
        if config.get("LastUpdateStatus") == "InProgress" or config.get("State") == "Pending":
            arn = lambda_svc._func_arn(name)
            message = f"The operation cannot be performed at this time. An update is in progress for resource: {arn}"
            refused: object = error_response_json("ResourceConflictException", message, 409)
            return refused
        return None

    def guarded_publish(name: str, data: dict[str, Any]) -> object:
        function = lambda_svc._functions.get(name)
        if function is None:
            return publish(name, data)
        config = function["config"]
        refused = busy(name) or lambda_svc._check_revision(config, data)
        if refused is not None:
            return refused
        sha = data.get("CodeSha256")
        if sha and sha != config["CodeSha256"]:
            message = (
                f"CodeSHA256 ({sha}) is different from current CodeSHA256 in $LATEST ({config['CodeSha256']}). "
                "Please try again with the CodeSHA256 in $LATEST."
            )
            return error_response_json("InvalidParameterValueException", message, 400)
        newest = max(function["versions"], key=int, default=None)
        if newest is not None:
            last = function["versions"][newest]["config"]
            if (last["CodeSha256"], config_sha256(last)) == (config["CodeSha256"], config_sha256(config)):
                return json_response(last, 201)
            # Not unchanged by AWS's measure: ministack, which compares revisions, must not think so either.
            function["versions"][newest]["function_revision"] = ""
        answer = publish(name, data)
        number = max(function["versions"], key=int)
        frozen = function["versions"][number]["config"]
        frozen["ConfigSha256"] = config_sha256(frozen)
        config["RevisionId"] = new_uuid()
        return json_response(frozen, 201) if answer[0] == 201 else answer  # noqa: PLR2004

    def guarded_update_code(name: str, data: dict[str, Any]) -> object:
        function = lambda_svc._functions.get(name)
        if function is not None and data.get("DryRun"):
            stale: object | None = lambda_svc._check_revision(function["config"], data)
            return stale or json_response(function["config"])
        refused = busy(name)
        if refused is not None:
            return refused
        answer = update_code(name, data)
        return _stay_active(lambda_svc, name, answer, json_response)

    def guarded_update_config(name: str, data: dict[str, Any]) -> object:
        refused = busy(name)
        if refused is not None:
            return refused
        return _stay_active(lambda_svc, name, update_config(name, data), json_response)

    def transition(name: str, delay: float) -> None:
        def settle() -> None:
            time.sleep(delay)
            function = lambda_svc._functions.get(name)
            if function is None:
                return
            done = {"State": "Active", "LastUpdateStatus": "Successful", "RevisionId": new_uuid()}
            reasons = ("StateReason", "StateReasonCode", "LastUpdateStatusReason", "LastUpdateStatusReasonCode")
            function["config"].update({**done, **dict.fromkeys(reasons, "")})
            for record in function["versions"].values():
                if record["config"].get("State") == "Pending":
                    record["config"].update({"State": "Active", "LastUpdateStatus": "Successful"})

        threading.Thread(target=contextvars.copy_context().run, args=(settle,), daemon=True).start()

    lambda_svc._publish_version = guarded_publish
    lambda_svc._update_code, lambda_svc._update_config = guarded_update_code, guarded_update_config
    lambda_svc._schedule_state_transition = transition


def _stay_active(lambda_svc: Any, name: str, answer: Any, json_response: Any) -> object:  # noqa: ANN401
    """An existing function stays Active while an update is in progress; only LastUpdateStatus tells."""
    function = lambda_svc._functions.get(name)
    if function is None or answer[0] != 200:  # noqa: PLR2004
        return answer
    function["config"].update({"State": "Active", "StateReason": "", "StateReasonCode": ""})
    return json_response({**json.loads(answer[2]), "State": "Active", "StateReason": "", "StateReasonCode": ""})
