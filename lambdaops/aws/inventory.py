"""What an account has: functions, their aliases, and which alarm is about which function.

Rules this file guarantees: every page is read; every kind of alarm is asked for; the account's alarms are swept
once, never once per function.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lambdaops.aws.alarms import described
from lambdaops.aws.faults import translating
from lambdaops.aws.listing import aliases
from lambdaops.aws.session import Session
from lambdaops.ports import AlarmLink

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lambdaops.core.model import Alias

_PAGE = 50
"""ListFunctions answers with at most 50 items, "even if you set the number higher" (Lambda API reference)."""

# ALARM("name"), OK('arn:...:alarm:name'), INSUFFICIENT_DATA(name): CloudWatch user guide, Create a composite alarm.
_CHILD = re.compile(r"\b(?:ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:\"([^\"]+)\"|'([^']+)'|([^)\s\"']+))\s*\)")
_ARN = re.compile(r"arn:aws[a-z-]*:cloudwatch:[a-z0-9-]+:[0-9]{12}:alarm:")


@dataclass(frozen=True)
class AwsInventory:
    """Implements ports.Inventory."""

    session: Session

    @property
    def region(self) -> str:
        """The region that calls go to, wherever it was set."""
        return self.session.functions().meta.region_name

    def functions(self) -> Iterator[str]:
        """The name of every function of the region, page by page, in AWS's order."""
        with translating("list the functions"):
            pages = self.session.functions().get_paginator("list_functions")
            for page in pages.paginate(PaginationConfig={"PageSize": _PAGE}):
                yield from (item["FunctionName"] for item in page.get("Functions", []))

    def aliases(self, function: str) -> tuple[Alias, ...]:
        """The aliases of a function with their routing, in the order of their names."""
        return aliases(self.session.functions(), function)

    def alarm_names(self, prefix: str) -> tuple[str, ...]:
        """The names of the alarms that begin with the prefix, sorted; every alarm's for an empty one."""
        with translating("list the alarms"):
            return tuple(sorted(item["AlarmName"] for item in self._alarms(prefix)))

    def alarm_links(self) -> tuple[AlarmLink, ...]:
        """Which alarm is about which function, by the dimensions of its metrics, sorted.

        A composite alarm has no metric of its own: it is about what the alarms in its rule are about.
        """
        with translating("list the alarms"):
            found = list(self._alarms(""))
        rules = {item["AlarmName"]: _children(item["AlarmRule"]) for item in found if item.get("AlarmRule")}
        metric = {item["AlarmName"]: _subjects(item) for item in found if not item.get("AlarmRule")}
        links = {AlarmLink(name, *subject) for name, subjects in metric.items() for subject in subjects}
        links |= {
            AlarmLink(name, *subject)
            for name in rules
            for child in _leaves(name, rules)
            for subject in metric.get(child, ())
        }
        return tuple(sorted(links, key=lambda link: (link.function, link.alarm, link.qualifier)))

    def _alarms(self, prefix: str) -> Iterator[Mapping[str, Any]]:
        chosen = {"AlarmNamePrefix": prefix} if prefix else {}  # AWS takes no empty one
        return (item for item, _ in described(self.session.alarms(), chosen))


def _subjects(item: Mapping[str, Any]) -> set[tuple[str, str]]:
    """The functions and qualifiers that the alarm's metric, or the metrics of its formula, are measured on."""
    metrics = [query.get("MetricStat", {}).get("Metric", {}) for query in item.get("Metrics", [])]
    found = set()
    for dimensions in (item.get("Dimensions", []), *(metric.get("Dimensions", []) for metric in metrics)):
        by_name = {dimension["Name"]: dimension["Value"] for dimension in dimensions}
        # Lambda's dimensions: FunctionName, or Resource as FUNCTION or FUNCTION:QUALIFIER, or both; on an alias with
        # weights also ExecutedVersion (Lambda developer guide, Types of metrics).
        function, _, qualifier = by_name.get("Resource", "").partition(":")
        name = by_name.get("FunctionName")
        if name is not None:
            found.add((name, qualifier if function == name else ""))
    return found


def _children(rule: str) -> list[str]:
    """The alarms a composite alarm's rule names, by name or by ARN."""
    return [_ARN.sub("", next(filter(None, groups))) for groups in _CHILD.findall(rule)]


def _leaves(name: str, rules: Mapping[str, list[str]]) -> set[str]:
    """The alarms below a composite alarm, however deep; a rule may lead back to itself."""
    seen: set[str] = set()
    todo = [name]
    while todo:
        for child in rules.get(todo.pop(), ()):
            if child not in seen:
                seen.add(child)
                todo.append(child)
    return seen
