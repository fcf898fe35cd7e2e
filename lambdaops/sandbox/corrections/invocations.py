"""Invoking an alias honours its weights: per request, at random, without memory, as AWS does.

ministack always runs the primary version. This covers synchronous and asynchronous invocations and SQS event source
mappings on an alias. Reserved concurrency, which ministack knows for $LATEST only, limits versions and aliases too.
"""

from __future__ import annotations

import random
from typing import Any

from lambdaops.sandbox.corrections.metrics import ROUTE, Route

# Which version a request gets is chance, not a secret.
_chance = random.Random()  # noqa: S311


def choose(alias: dict[str, Any], draw: float) -> str:
    """The version that a request gets, for a draw from [0, 1)."""
    for version, weight in (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights", {}).items():
        if draw < weight:
            return str(version)
    return str(alias.get("FunctionVersion", "$LATEST"))


def apply() -> None:
    """Route through the alias before ministack looks at it."""
    from ministack.services import lambda_svc

    invoke, execute = lambda_svc._invoke, lambda_svc._execute_function
    run_batch = lambda_svc._run_sqs_batch

    async def routed(
        name: str,
        event: object,
        headers: dict[str, str],
        path_qualifier: str | None = None,
        query_params: dict[str, Any] | None = None,
    ) -> object:
        qualifier = path_qualifier or lambda_svc._qp_first(query_params or {}, "Qualifier") or None
        route = _route(lambda_svc._functions.get(name), qualifier)
        token = ROUTE.set(route)
        try:
            query = {key: value for key, value in (query_params or {}).items() if key != "Qualifier"}
            asked = qualifier if route.alias is None else route.version
            return await invoke(name, event, headers, asked, query)
        finally:
            ROUTE.reset(token)

    def routed_batch(esm: dict[str, Any], record: dict[str, Any], *rest: object) -> None:
        function = lambda_svc._functions.get(esm["FunctionName"])
        route = _route(function, esm.get("Qualifier"))
        if function is not None and route.version in function["versions"]:
            record = function["versions"][route.version]
        token = ROUTE.set(route)
        try:
            run_batch(esm, record, *rest)
        finally:
            ROUTE.reset(token)

    def executed(record: dict[str, Any], event: object) -> object:
        # Code that runs through an alias sees the alias in its ARN, not the version that was chosen.
        route, config = ROUTE.get(), record.get("config")
        if route is not None and route.alias and config:
            function_arn = ":".join(config["FunctionArn"].split(":")[:7])
            record = {**record, "config": {**config, "FunctionArn": f"{function_arn}:{route.alias}"}}
        return execute(record, event)

    def reserved(_record: dict[str, Any], config: dict[str, Any]) -> int | None:
        # It belongs to the function and all its versions share it; ministack looks at the version's record.
        limit = lambda_svc._functions.get(config.get("FunctionName", ""), {}).get("concurrency")
        return None if limit is None else int(limit)

    lambda_svc._invoke, lambda_svc._execute_function = routed, executed
    lambda_svc._reserved_concurrency = reserved
    lambda_svc._run_sqs_batch = routed_batch


def _route(function: dict[str, Any] | None, qualifier: str | None) -> Route:
    alias = (function or {}).get("aliases", {}).get(qualifier)
    if alias is None:
        return Route(None, qualifier or "$LATEST")
    return Route(qualifier, choose(alias, _chance.random()))
