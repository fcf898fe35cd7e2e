"""CloudTrail's event history, in our words.

Facts: LookupEvents gives management events of the last 90 days, at most 50 a page and two requests a second for an
account and region, filtered by one attribute at a time (CloudTrail API reference, LookupEvents); Lambda's events are
called by the operation and the version of the API, as in ``UpdateAlias20150331`` (Lambda guide, "Logging AWS Lambda API
calls using AWS CloudTrail"), and ``functionName`` is what the caller gave: a name or an ARN.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lambdaops.aws.faults import translating
from lambdaops.aws.session import Session
from lambdaops.core.audit.reconcile import Change
from lambdaops.core.model import FULL, Routing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_KINDS = {"UpdateAlias20150331": "update", "CreateAlias20150331": "create", "DeleteAlias20150331": "delete"}


@dataclass(frozen=True)
class CloudTrail:
    """Implements ports.trails.Trail."""

    session: Session

    def alias_changes(self, function: str, alias: str, since: datetime, until: datetime) -> tuple[Change, ...]:
        """Every call that changed the alias and that AWS carried out, oldest first."""
        found = [
            change
            for name, kind in _KINDS.items()
            for event in self._events(name, since, until)
            if (change := _change(event, kind, function, alias)) is not None
        ]
        return tuple(sorted(found, key=lambda change: change.at))

    def _events(self, name: str, since: datetime, until: datetime) -> Iterator[Mapping[str, Any]]:
        request: dict[str, Any] = {
            "LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": name}],
            "StartTime": since,
            "EndTime": until,
        }
        client = self.session.trails()
        while True:
            with translating("look at CloudTrail's events"):
                answer = client.lookup_events(**request)
            yield from answer.get("Events", [])
            if not answer.get("NextToken"):
                return
            request["NextToken"] = answer["NextToken"]


def _change(event: Mapping[str, Any], kind: str, function: str, alias: str) -> Change | None:
    """The change that an event is; None for one of another alias, or one that AWS refused."""
    try:
        told = json.loads(event.get("CloudTrailEvent", ""))
    except ValueError:
        return None
    asked = told.get("requestParameters") or {}
    # A partial ARN, or one with a qualifier, as in 123456789012:function:orders (API reference, "Name formats").
    named = str(asked.get("functionName", "")).rpartition("function:")[2].partition(":")[0]
    if (named, asked.get("name")) != (function, alias) or told.get("errorCode"):
        return None
    return Change(
        at=event["EventTime"].astimezone(UTC),
        request_id=str(told.get("requestID", "")),
        event_id=str(told.get("eventID", "")),
        by=_who(told.get("userIdentity") or {}),
        agent=str(told.get("userAgent", "")),
        kind=kind,
        routing=_routing(asked, told.get("responseElements") or {}),
    )


def _who(identity: Mapping[str, Any]) -> str:
    """An ARN, or the service that acted by itself."""
    return str(identity.get("arn") or identity.get("invokedBy") or identity.get("principalId") or "")


def _routing(asked: Mapping[str, Any], answered: Mapping[str, Any]) -> Routing | None:
    """What the alias was made to be, as far as it is told; what was asked leaves out what was to stay."""
    version = answered.get("functionVersion") or asked.get("functionVersion")
    routing = answered.get("routingConfig", asked.get("routingConfig")) or {}
    if not isinstance(version, str) or not isinstance(routing, dict):
        return None
    weights: dict[str, float] = routing.get("additionalVersionWeights") or {}
    for additional, share in weights.items():
        return Routing(version, additional, round(share * FULL))
    return Routing(version)
