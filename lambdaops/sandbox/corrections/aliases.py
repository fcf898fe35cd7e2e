"""Alias writes are refused where AWS refuses them, in AWS's words.

ministack accepts any routing. The messages are those recorded on AWS; the rules on role and dead-letter queue are in
the Lambda developer guide ("both versions must have the same execution role ... dead-letter queue").
"""

from __future__ import annotations

from typing import Any

STALE = (
    "The Revision Id provided does not match the latest Revision Id. "
    "Call the GetFunction/GetAlias API to retrieve the latest Revision Id"
)
_VALUE_RULE = (
    "Map value must satisfy constraint: [Member must have value less than or equal to 1.0, "
    "Member must have value greater than or equal to 0.0, Member must not be null]"
)
_KEY_RULE = (
    "Map keys must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length "
    "greater than or equal to 1, Member must satisfy regular expression pattern: [0-9]+]"
)


def apply() -> None:
    """Check before ministack writes."""
    from ministack.core.responses import error_response_json
    from ministack.services import lambda_svc

    create, update = lambda_svc._create_alias, lambda_svc._update_alias
    list_all = lambda_svc._list_aliases

    def refusal(name: str, version: str, weights: dict[str, float]) -> object | None:
        function = lambda_svc._functions.get(name)
        if function is None:
            return None  # ministack says that itself
        found = _problem(function, lambda_svc._func_arn(name), version, weights)
        refused: object | None = error_response_json(*found) if found else None
        return refused

    def created(name: str, data: dict[str, Any]) -> object:
        weights = (data.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        version, arn = data.get("FunctionVersion", ""), lambda_svc._func_arn(name)
        function = lambda_svc._functions.get(name)
        if function is None:
            return error_response_json("ResourceNotFoundException", f"Function not found: {arn}:{version}", 404)
        refused = refusal(name, version, weights)
        if refused is None and data.get("Name") in function["aliases"]:
            return error_response_json("ResourceConflictException", f"Alias already exists: {arn}:{data['Name']}", 409)
        answer: object = refused or create(name, data)
        return answer

    def updated(name: str, alias_name: str, data: dict[str, Any]) -> object:
        alias = lambda_svc._functions.get(name, {}).get("aliases", {}).get(alias_name)
        if alias is None:
            return update(name, alias_name, data)
        routing = data["RoutingConfig"] if "RoutingConfig" in data else alias.get("RoutingConfig")
        weights = (routing or {}).get("AdditionalVersionWeights") or {}
        version = data.get("FunctionVersion", alias["FunctionVersion"])
        stale: object | None = lambda_svc._check_revision(alias, data)
        answer: object = stale or refusal(name, version, weights) or update(name, alias_name, data)
        return answer

    def checked(current: dict[str, Any], data: dict[str, Any]) -> object | None:
        if data.get("RevisionId") not in (None, current.get("RevisionId")):
            refused: object = error_response_json("PreconditionFailedException", STALE, 412)
            return refused
        return None

    def listed(name: str, query_params: dict[str, Any]) -> object:
        import json

        answer = list_all(name, query_params)
        wanted = lambda_svc._qp_first(query_params, "FunctionVersion")
        if not wanted or answer[0] != 200:  # noqa: PLR2004
            return answer
        body = json.loads(answer[2])
        body["Aliases"] = [alias for alias in body["Aliases"] if alias["FunctionVersion"] == wanted]
        return (answer[0], answer[1], json.dumps(body).encode())

    lambda_svc._create_alias, lambda_svc._update_alias = created, updated
    lambda_svc._list_aliases, lambda_svc._check_revision = listed, checked


def _problem(
    function: dict[str, Any], arn: str, version: str, weights: dict[str, float]
) -> tuple[str, str, int] | None:
    """AWS's (code, message, status) for this routing, or None if AWS takes it."""
    for key, weight in weights.items():
        value = f"'{{{key}={float(weight)}}}'"
        where = f"1 validation error detected: Value {value} at 'routingConfig.additionalVersionWeights'"
        if not key.isdigit():
            return "ValidationException", f"{where} failed to satisfy constraint: {_KEY_RULE}", 400
        if not 0 <= weight <= 1:
            return "ValidationException", f"{where} failed to satisfy constraint: {_VALUE_RULE}", 400
    if len(weights) > 1:
        message = "Number of items in AdditionalVersionWeights cannot be greater than 1"
        return "InvalidParameterValueException", message, 400
    if version == "$LATEST":
        message = "$LATEST is not supported for an alias pointing to more than 1 version"
        return ("InvalidParameterValueException", message, 400) if weights else None
    for number in (version, *weights):
        if number not in function["versions"]:
            return "ResourceNotFoundException", f"Function not found: {arn}:{number}", 404
    if version in weights:
        included = f"Function version {version} is already included in routing configuration."
        message = f"Invalid function version {version}. {included}"
        return "InvalidParameterValueException", message, 400
    return _unfit([function["versions"][number]["config"] for number in (version, *weights)])


def _unfit(configs: list[dict[str, Any]]) -> tuple[str, str, int] | None:
    for config in configs:
        if config.get("State") in ("Pending", "Failed"):
            message = (
                "The operation cannot be performed at this time. "
                f"The function is currently in the following state: '{config['State']}'"
            )
            return "ResourceConflictException", message, 409
    for field, text in (("Role", "execution role"), ("DeadLetterConfig", "dead letter configuration")):
        if len({str(config.get(field) or "") for config in configs}) > 1:
            message = f"Function versions in a routing configuration must have the same {text}"
            return "InvalidParameterValueException", message, 400
    return None
