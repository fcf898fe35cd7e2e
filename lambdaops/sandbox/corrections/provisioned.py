"""Provisioned concurrency of a whole function is listed.

ministack knows it of one version or alias only, and answers the list (``?List=ALL``) as if $LATEST had been asked for:
that there is none. AWS: Lambda API reference, ListProvisionedConcurrencyConfigs.
"""

from __future__ import annotations

import re
from typing import Any

_LIST = re.compile(r"/functions/([^/]+)/provisioned-concurrency/?")


def apply() -> None:
    """Answer the list before ministack does."""
    from ministack.core.responses import error_response_json, json_response
    from ministack.services import lambda_svc

    handle = lambda_svc.handle_request

    async def handled(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> tuple[int, dict[str, str], bytes]:
        found = _LIST.search(path)
        if method != "GET" or found is None or lambda_svc._qp_first(query, "List") != "ALL":
            return await handle(method, path, headers, body, query)  # type: ignore[no-any-return]
        name = lambda_svc._resolve_request_scoped_name(found[1])
        function, arn = lambda_svc._functions.get(name), lambda_svc._func_arn(name)
        answer: tuple[int, dict[str, str], bytes]
        if function is None:
            answer = error_response_json("ResourceNotFoundException", f"Function not found: {arn}", 404)
            return answer
        configs = function.get("provisioned_concurrency", {})
        listed = [{"FunctionArn": f"{arn}:{qualifier}", **config} for qualifier, config in configs.items()]
        answer = json_response({"ProvisionedConcurrencyConfigs": listed})
        return answer

    lambda_svc.handle_request = handled
