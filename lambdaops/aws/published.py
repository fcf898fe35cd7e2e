"""Published versions of a function: what refers to them, and the deletion of one.

Rules this file guarantees: every page is read; a version is deleted by a number that was checked to be one, and never a
function; what AWS says when it keeps a version is an answer, not a failure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lambdaops.aws.faults import translating
from lambdaops.aws.functions import qualifier_of, statements
from lambdaops.aws.listing import aliases, listed
from lambdaops.aws.policies import principal_of
from lambdaops.aws.session import Session
from lambdaops.core.errors import ConflictError, InvalidVersionError, NotFoundError, RejectedError
from lambdaops.core.model import LATEST, VersionNumber, parse_function, parse_version
from lambdaops.core.prune import Stock, StoredVersion
from lambdaops.ports.published import Deletion

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lambdaops.core.model import Alias

# "Lambda was unable to delete arn:... because it is a replicated function": what CloudFront has copies of (CloudFront
# developer guide, "Delete Lambda@Edge functions and replicas").
_REPLICATED = "replicated function"


@dataclass(frozen=True)
class AwsPublishedVersions:
    """Implements ports.published.PublishedVersions."""

    session: Session

    def stock(self, function: str) -> Stock:
        """Every published version, oldest first."""
        found = list(self._listed(function, "versions", "list_versions_by_function", "Versions"))
        arn = ":".join(found[0]["FunctionArn"].split(":")[:7]) if found else ""
        stored = [_stored(item) for item in found if item["Version"].isdigit()]
        return Stock(arn, tuple(sorted(stored, key=lambda version: int(version.number))))

    def aliases(self, function: str) -> tuple[Alias, ...]:
        """Every alias, in the order of their names."""
        return aliases(self.session.functions(), function)

    def provisioned(self, function: str) -> frozenset[str]:
        """The versions and aliases that have provisioned concurrency."""
        listed = self._listed(
            function,
            "provisioned concurrency",
            "list_provisioned_concurrency_configs",
            "ProvisionedConcurrencyConfigs",
        )
        return frozenset(qualifier_of(item.get("FunctionArn", "")) for item in listed)

    def asynchronous(self, function: str) -> frozenset[str]:
        """The versions and aliases with settings of their own for asynchronous invocations."""
        listed = self._listed(
            function, "event invoke configs", "list_function_event_invoke_configs", "FunctionEventInvokeConfigs"
        )
        return frozenset(qualifier_of(item.get("FunctionArn", "")) or LATEST for item in listed)

    def event_sources(self, function: str, version: str) -> tuple[str, ...]:
        """What is mapped to this very version.

        Asked by the version's own name: that a function's unqualified name finds the mappings of its versions as well
        is nowhere promised (Lambda API reference, ListEventSourceMappings).
        """
        name = f"{function}:{version}"
        listed = self._listed(name, "event sources", "list_event_source_mappings", "EventSourceMappings")
        return tuple(
            sorted(
                item.get("EventSourceArn") or item["UUID"]
                for item in listed
                if qualifier_of(item.get("FunctionArn", "")) == version
            )
        )

    def policy(self, function: str, version: str) -> tuple[str, ...]:
        """Whom the policy of this very version speaks of."""
        # None of a version that is not there any more: its deletion finds that out.
        return tuple(principal_of(one) for one in statements(self.session.functions(), function, version))

    def durable_running(self, function: str, version: str) -> bool:
        """Whether a durable execution is running on this version."""
        name = f"{function}:{version}"
        with translating(f"list the durable executions of {name}", target=name):
            pages = self.session.functions().get_paginator("list_durable_executions_by_function")
            found = pages.paginate(FunctionName=function, Qualifier=version, Statuses=["RUNNING"])
            return any(item["Status"] == "RUNNING" for page in found for item in page.get("DurableExecutions", []))

    def delete(self, function: str, version: VersionNumber) -> Deletion:
        """Delete one version: DeleteFunction with FunctionName and Qualifier, both checked here once more."""
        if not isinstance(version, VersionNumber):  # whoever gets past the types
            raise InvalidVersionError(f"{version!r} is no number of a published version", hint="Nothing was deleted.")
        bare, number = parse_function(function), parse_version(version.number)
        name = f"{bare}:{number}"
        try:
            with translating(f"delete {name}", target=name):
                answer = self.session.functions().delete_function(FunctionName=bare, Qualifier=number)
        except NotFoundError as error:
            return Deletion(error.request_id, gone=True)
        except ConflictError as error:
            return Deletion(error.request_id, refused=error.message)
        except RejectedError as error:
            if _REPLICATED not in error.message:
                raise
            return Deletion(error.request_id, refused=error.message)
        metadata: Mapping[str, Any] = dict(answer.get("ResponseMetadata", {}))
        return Deletion(str(metadata.get("RequestId", "")))

    def _listed(self, function: str, what: str, call: str, key: str) -> Iterator[Mapping[str, Any]]:
        return listed(self.session.functions(), function, what, call, key)


def _stored(item: Mapping[str, Any]) -> StoredVersion:
    return StoredVersion(
        number=item["Version"],
        size=item.get("CodeSize") or 0,
        code_sha256=item.get("CodeSha256") or "",
        description=item.get("Description") or "",
        modified=item.get("LastModified") or "",
        durable=bool(item.get("DurableConfig")),
    )
