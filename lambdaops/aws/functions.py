"""Lambda: versions and aliases, in our words.

Rules this file guarantees: an alias write always carries FunctionVersion, explicit weights and RevisionId; weights
become floats here and nowhere else; environment variables and code addresses in AWS's answers are dropped at once.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from lambdaops.aws.faults import translating
from lambdaops.aws.policies import invoking, principal_of
from lambdaops.aws.session import Session
from lambdaops.core.model import (
    FULL,
    LATEST,
    Alias,
    EventSource,
    Permission,
    Provisioned,
    Routing,
    Version,
)
from lambdaops.ports import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mypy_boto3_lambda import LambdaClient

    from lambdaops.ports import Code


_BUSY_ATTEMPTS = 8


@dataclass(frozen=True)
class LambdaFunctions:
    """Implements ports.Functions; ``urgent`` uses the client that is kept for taking traffic back."""

    session: Session
    clock: Clock
    urgent: bool = False

    @property
    def _client(self) -> LambdaClient:
        return self.session.functions(urgent=self.urgent)

    # -- the alias ---------------------------------------------------------------------------------------------------

    def get_alias(self, function: str, alias: str) -> Alias:
        """Read an alias."""
        with translating(f"read {function}:{alias}", target=f"{function}:{alias}", alias=True):
            return alias_of(self._client.get_alias(FunctionName=function, Name=alias))

    def set_routing(self, function: str, alias: str, routing: Routing, revision: str) -> Alias:
        """Write the alias's whole routing, if it still has this revision."""
        name = f"{function}:{alias}"
        weights = {} if routing.additional is None else {routing.additional: routing.weight / FULL}
        with translating(f"set {name} to {routing}", target=name, alias=True):
            answer = self._client.update_alias(
                FunctionName=function,
                Name=alias,
                FunctionVersion=routing.primary,
                # Without RoutingConfig, UpdateAlias keeps the weights that are there; {} clears them.
                RoutingConfig={"AdditionalVersionWeights": weights},
                RevisionId=revision,
            )
        return replace(alias_of(answer), request_id=answer.get("ResponseMetadata", {}).get("RequestId", ""))

    # -- versions ----------------------------------------------------------------------------------------------------

    def get_version(self, function: str, qualifier: str | None = None) -> Version:
        """A version's configuration.

        GetFunction rather than GetFunctionConfiguration: 100 requests a second instead of 15 (Lambda quotas).
        """
        name = f"{function}:{qualifier}" if qualifier else function
        with translating(f"read {name}", target=name):
            answer = self._client.get_function(FunctionName=function, Qualifier=qualifier or LATEST)
        return _version(answer["Configuration"])

    def list_versions(self, function: str) -> Sequence[Version]:
        """Every published version, oldest first."""
        with translating(f"list the versions of {function}", target=function):
            pages = self._client.get_paginator("list_versions_by_function").paginate(FunctionName=function)
            found = [_version(item) for page in pages for item in page["Versions"] if item["Version"].isdigit()]
        return sorted(found, key=lambda version: int(version.number))

    def update_code(self, function: str, code: Code, revision: str) -> Version:
        """Upload unpublished code, if the function still has this revision."""
        parameters: dict[str, Any] = {"FunctionName": function, "RevisionId": revision, "Publish": False}
        if code.zip is not None:
            parameters["ZipFile"] = code.zip
        elif code.s3 is not None:
            bucket, key, version = code.s3
            parameters |= {"S3Bucket": bucket, "S3Key": key}
            if version:
                parameters["S3ObjectVersion"] = version
        else:
            parameters["ImageUri"] = code.image
        with translating(f"upload code to {function}", target=function):
            return _version(self._busy(self.session.publishing().update_function_code, parameters))

    def publish_version(self, function: str, code_sha256: str, revision: str, description: str) -> Version:
        """Publish the unpublished code, if it still has this hash and revision."""
        parameters: dict[str, Any] = {"FunctionName": function, "RevisionId": revision, "Description": description}
        if code_sha256:  # empty only where AWS itself reports none
            parameters["CodeSha256"] = code_sha256
        with translating(f"publish {function}", target=function):
            return _version(self._busy(self.session.publishing().publish_version, parameters))

    def _busy(self, call: Callable[..., Mapping[str, Any]], parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make a call that AWS refuses while another update is in progress (409), trying again for under a minute."""
        from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

        retrying = Retrying(
            retry=retry_if_exception_type(self.session.publishing().exceptions.ResourceConflictException),
            stop=stop_after_attempt(_BUSY_ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.5, max=15),
            sleep=lambda seconds: self.clock.sleep(timedelta(seconds=seconds)),
            reraise=True,
        )
        return retrying(call, **parameters)

    # -- what else preflight asks ------------------------------------------------------------------------------------

    def event_sources(self, function: str) -> Sequence[EventSource]:
        """Every event source mapping of the function."""
        with translating(f"list the event sources of {function}", target=function):
            pages = self._client.get_paginator("list_event_source_mappings").paginate(FunctionName=function)
            return [_event_source(item) for page in pages for item in page["EventSourceMappings"]]

    def permissions(self, function: str) -> Sequence[Permission]:
        """Who may invoke the function without naming a version or alias."""
        # None of a function that is not there: the versions' check tells that.
        return [_permission(item) for item in statements(self._client, function) if invoking(item)]

    def provisioned(self, function: str, alias: str) -> Provisioned | None:
        """Provisioned concurrency of the alias."""
        client = self._client
        with translating(f"read the provisioned concurrency of {function}:{alias}", target=f"{function}:{alias}"):
            try:
                answer = client.get_provisioned_concurrency_config(FunctionName=function, Qualifier=alias)
            except client.exceptions.ProvisionedConcurrencyConfigNotFoundException:
                return None
        return Provisioned(
            answer.get("Status", ""),
            answer.get("RequestedProvisionedConcurrentExecutions", 0),
            answer.get("AvailableProvisionedConcurrentExecutions", 0),
            answer.get("StatusReason", ""),
        )


def alias_of(answer: Mapping[str, Any]) -> Alias:
    """An alias as GetAlias, UpdateAlias and ListAliases describe it."""
    weights = (answer.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    additional, share = next(iter(weights.items()), (None, 0.0))
    routing = Routing(answer["FunctionVersion"], additional, round(share * FULL))
    return Alias(answer["AliasArn"], routing, answer["RevisionId"], answer.get("Description", ""))


def _version(item: Mapping[str, Any]) -> Version:
    return Version(
        number=item["Version"],
        # Functions older than function states have none; they are active.
        state=item.get("State") or "Active",
        code_sha256=item.get("CodeSha256", ""),
        role=item.get("Role", ""),
        revision=item.get("RevisionId", ""),
        config_sha256=item.get("ConfigSha256", ""),
        state_reason=item.get("StateReason") or "",
        state_reason_code=item.get("StateReasonCode") or "",
        update=item.get("LastUpdateStatus") or "Successful",
        update_reason=item.get("LastUpdateStatusReason") or "",
        update_reason_code=item.get("LastUpdateStatusReasonCode") or "",
        dead_letter=(item.get("DeadLetterConfig") or {}).get("TargetArn") or "",
        description=item.get("Description") or "",
        modified=item.get("LastModified", ""),
        package=item.get("PackageType", "Zip"),
        snap_start=(item.get("SnapStart") or {}).get("OptimizationStatus") == "On",
        log_group=(item.get("LoggingConfig") or {}).get("LogGroup") or "",
        arn=":".join(item["FunctionArn"].split(":")[:7]),
        timeout=timedelta(seconds=item.get("Timeout") or 0),
    )


def _event_source(item: Mapping[str, Any]) -> EventSource:
    return EventSource(
        source=source_of(item),
        qualifier=qualifier_of(item.get("FunctionArn", "")),
        enabled=item.get("State") not in ("Disabled", "Disabling", "Deleting"),
    )


def _permission(statement: Mapping[str, Any]) -> Permission:
    qualifier = qualifier_of(str(statement.get("Resource", "")))
    return Permission(principal_of(statement), qualifier, str(statement.get("Sid", "")))


def statements(client: LambdaClient, function: str, qualifier: str = "") -> Sequence[Mapping[str, Any]]:
    """The statements of the policy of a function, or of a version or alias; none where there is no policy.

    GetPolicy says the same (ResourceNotFoundException) where there is no such function or version.

    Raises:
        AwsError: it could not be read.
    """
    name = f"{function}:{qualifier}" if qualifier else function
    with translating(f"read the policy of {name}", target=name):
        try:
            answer = client.get_policy(FunctionName=function, **({"Qualifier": qualifier} if qualifier else {}))
        except client.exceptions.ResourceNotFoundException:
            return ()
    found: Sequence[Mapping[str, Any]] = json.loads(answer["Policy"]).get("Statement", [])
    return found


def source_of(mapping: Mapping[str, Any]) -> str:
    """What an event source mapping polls: its ARN, or the servers of a self-managed Kafka, which has none."""
    endpoints = (mapping.get("SelfManagedEventSource") or {}).get("Endpoints") or {}
    servers = (server for servers in endpoints.values() for server in servers)
    return mapping.get("EventSourceArn") or ",".join(servers)


def qualifier_of(arn: str) -> str:
    """What follows the function's name in its ARN: a version, an alias, or nothing."""
    parts = arn.split(":")
    return parts[7] if len(parts) > 7 else ""  # noqa: PLR2004 -- arn:aws:lambda:region:account:function:name:qualifier
