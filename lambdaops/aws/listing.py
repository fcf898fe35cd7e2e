"""Lists of what belongs to one function, whole: every page is read, in the pages' order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambdaops.aws.faults import translating
from lambdaops.aws.functions import alias_of, qualifier_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

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


def event_sources(
    function: str, read: Callable[[str], Iterable[Mapping[str, Any]]], names: Callable[[], Iterable[str]]
) -> list[Mapping[str, Any]]:
    """Every event source mapping of a function and of its aliases, each once.

    Whether a name without a qualifier stands for the mappings of aliases too, the API reference of
    ListEventSourceMappings does not say. Where its answer has none of an alias, each alias is asked for by name: one
    that is missed goes on doing harm, or loses events unseen.

    Args:
        function: its name.
        read: gives what is listed for a name.
        names: gives its aliases; asked only then.
    """
    found = list(read(function))
    if not any(qualifier_of(item.get("FunctionArn", "")) for item in found):
        found += [item for alias in names() for item in read(f"{function}:{alias}")]
    return list({item["UUID"]: item for item in found}.values())
