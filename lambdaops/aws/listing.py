"""Lists of what belongs to one function, whole: every page is read, in the pages' order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambdaops.aws.faults import translating
from lambdaops.aws.functions import alias_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mypy_boto3_lambda import LambdaClient

    from lambdaops.core.model import Alias

_PAGE = 50
"""As many as every one of them takes: provisioned concurrency and event invoke configs no more (botocore's model)."""


def listed(client: LambdaClient, function: str, what: str, call: str, key: str) -> Iterator[Mapping[str, Any]]:
    """The items of every page of a list.

    Args:
        client: for Lambda.
        function: whose list it is; with a qualifier where the call takes one.
        what: what is listed, for people.
        call: boto3's name of the call.
        key: where its answers have the items.

    Raises:
        NotFoundError: no such function.
        AwsError: it could not be listed.
    """
    anything: Any = client
    with translating(f"list the {what} of {function}", target=function):
        pages = anything.get_paginator(call).paginate(FunctionName=function, PaginationConfig={"PageSize": _PAGE})
        yield from (item for page in pages for item in page.get(key, []))


def aliases(client: LambdaClient, function: str) -> tuple[Alias, ...]:
    """The aliases of a function with their routing, in the order of their names; raises as :func:`listed`."""
    found = listed(client, function, "aliases", "list_aliases", "Aliases")
    return tuple(sorted((alias_of(item) for item in found), key=lambda alias: alias.arn))
