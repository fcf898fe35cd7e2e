"""What starts a function: event source mappings, reserved concurrency, and who its policies let invoke it.

Rules this file guarantees: every page is read; an update names nothing but Enabled, so that no other setting changes;
environment variables and code addresses in AWS's answers are dropped at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lambdaops.aws.faults import translating
from lambdaops.aws.functions import qualifier_of, source_of, statements
from lambdaops.aws.listing import event_sources
from lambdaops.aws.policies import invoking, principal_of
from lambdaops.aws.session import Session
from lambdaops.core.errors import RejectedError
from lambdaops.core.halt.callers import Caller
from lambdaops.core.halt.mappings import Mapping
from lambdaops.ports.halting import Concurrency

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Mapping as Keyed

    from mypy_boto3_lambda import LambdaClient

# "You can't allocate more provisioned concurrency than reserved concurrency for a function": Lambda guide,
# "Understanding Lambda function scaling". And 100 of an account's stay unreserved (PutFunctionConcurrency).
_NO_LESS = (
    "If its versions or aliases have provisioned concurrency, no less than that can be reserved: aws lambda "
    "delete-provisioned-concurrency-config for each first."
)
_NO_MORE = "Other functions may have reserved what it had: aws lambda get-account-settings shows what is unreserved."
_SOURCES = ("aws:sourcearn", "aws:sourceaccount")


@dataclass(frozen=True)
class LambdaLevers:
    """Implements ports.halting.Levers, by the client that is kept for taking traffic back."""

    session: Session

    @property
    def _client(self) -> LambdaClient:
        return self.session.functions(urgent=True)

    def concurrency(self, function: str) -> Concurrency:
        """The function's ARN and its reserved concurrency: GetFunction tells both."""
        with translating(f"read {function}", target=function):
            answer = self._client.get_function(FunctionName=function)
        arn = ":".join(answer["Configuration"]["FunctionArn"].split(":")[:7])
        return Concurrency(arn, (answer.get("Concurrency") or {}).get("ReservedConcurrentExecutions"))

    def mappings(self, function: str) -> tuple[Mapping, ...]:
        """Every event source mapping, by source."""
        found = [_mapping(item) for item in event_sources(function, self._mapped, lambda: self._aliases(function))]
        return tuple(sorted(found, key=lambda one: (one.source, one.qualifier, one.uuid)))

    def _mapped(self, name: str) -> list[Keyed[str, Any]]:
        with translating(f"list the event sources of {name}", target=name):
            pages = self._client.get_paginator("list_event_source_mappings").paginate(FunctionName=name)
            return [item for page in pages for item in page["EventSourceMappings"]]

    def _aliases(self, function: str) -> list[str]:
        with translating(f"list the aliases of {function}", target=function):
            pages = self._client.get_paginator("list_aliases").paginate(FunctionName=function)
            return sorted(item["Name"] for page in pages for item in page["Aliases"])

    def callers(self, function: str) -> tuple[Caller, ...]:
        """Who may invoke it: the policy of the function and of each alias; a statement that is in two counts once."""
        found = dict.fromkeys(self._policy(function, ""))
        for alias in self._aliases(function):
            found |= dict.fromkeys(self._policy(function, alias))
        return tuple(found)

    def _policy(self, function: str, alias: str) -> Iterator[Caller]:
        for item in statements(self._client, function, alias):
            if action := invoking(item):
                yield _caller(item, url=action.endswith("FunctionUrl"))

    def turn(self, uuid: str, *, on: bool) -> str:
        """Enable or disable a mapping."""
        with translating(f"{'enable' if on else 'disable'} event source mapping {uuid}", target=uuid):
            answer = self._client.update_event_source_mapping(UUID=uuid, Enabled=on)
        return _request_id(answer)

    def reserve(self, function: str, executions: int | None) -> str:
        """Reserve concurrency, or take the reservation away."""
        client = self._client
        if executions is None:
            with translating(f"delete the reserved concurrency of {function}", target=function):
                return _request_id(client.delete_function_concurrency(FunctionName=function))
        try:
            with translating(f"set the reserved concurrency of {function} to {executions}", target=function):
                answer = client.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=executions)
        except RejectedError as error:
            hint = _NO_LESS if executions == 0 else _NO_MORE
            raise RejectedError(error.message, hint=hint, target=function, request_id=error.request_id) from error
        return _request_id(answer)


def _request_id(answer: Any) -> str:  # noqa: ANN401 -- each call has an answer of its own type
    return str(answer.get("ResponseMetadata", {}).get("RequestId", ""))


def _mapping(item: Keyed[str, Any]) -> Mapping:
    return Mapping(item["UUID"], source_of(item), qualifier_of(item.get("FunctionArn", "")), item.get("State", ""))


def _caller(statement: Keyed[str, Any], *, url: bool) -> Caller:
    conditions = {
        key.lower(): value for test in (statement.get("Condition") or {}).values() for key, value in test.items()
    }
    source = next((conditions[key] for key in _SOURCES if key in conditions), "")
    told = ", ".join(source) if isinstance(source, list) else str(source)
    qualifier = qualifier_of(str(statement.get("Resource", "")))
    return Caller(principal_of(statement), qualifier, told, str(statement.get("Sid", "")), url)
