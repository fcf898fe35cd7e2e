"""Preflight: what could go wrong, found before the first write.

Rules this file guarantees: nothing is written; every finding says what it means for this release; a check that AWS does
not let us make is a warning where the release can go on without it, and an error where it cannot.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lambdaops.core.duration import format_duration
from lambdaops.core.errors import AwsError, LambdaOpsError, NotFoundError
from lambdaops.core.events import RolledBack
from lambdaops.core.gates import preflight_alarms
from lambdaops.core.model import FULL, LATEST, AlarmReading, Alias, Finding, Level, Target, Version
from lambdaops.core.plan import NEW_VERSION, Plan
from lambdaops.core.replay import releases
from lambdaops.core.states import Done, Outcome
from lambdaops.ops.blindness import look_back
from lambdaops.ops.metric_check import metric_findings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lambdaops.core.events import Entry
    from lambdaops.ports import Ports


@dataclass(frozen=True, slots=True)
class Preflight:
    """What preflight found, the alarm states it saw, and the plan with what only AWS could tell filled in."""

    plan: Plan
    findings: tuple[Finding, ...]
    alarms: tuple[AlarmReading, ...]

    @property
    def blocked(self) -> bool:
        """Whether any finding forbids the release."""
        return any(finding.level is Level.BLOCK for finding in self.findings)


def check(
    ports: Ports, target: Target, alias: Alias, plan: Plan, entries: Sequence[Entry], *, insists: bool = False
) -> Preflight:
    """Look at everything this plan touches; ``insists`` when comparing was asked for, rather than the default.

    Raises:
        AwsError: something the release needs to read cannot be read.
    """
    alarms = ports.alarms.read_alarms(plan.alarms)
    concurrency, provisioned = _provisioned(ports, target, plan)
    compared, comparisons = look_back(ports, target, plan, insists=insists)
    versions, log_group = _versions(ports, target, plan)
    plan = replace(plan, comparisons=comparisons, log_group=log_group)
    findings = (
        *alias_findings(target, alias),
        *versions,
        *_rolled_back_before(plan, entries),
        *preflight_alarms(plan, alarms),
        *compared,
        *metric_findings(ports, target, plan),
        *concurrency,
        *_bypasses(ports, target),
    )
    return Preflight(replace(plan, provisioned=provisioned), findings, alarms)


def alias_findings(target: Target, alias: Alias) -> tuple[Finding, ...]:
    """Whether the alias is at rest."""
    routing = alias.routing
    if routing.primary == LATEST:
        return (
            Finding(
                Level.BLOCK,
                "alias",
                f"{target} points at $LATEST, which has no stable version to return to",
                "Point the alias at a published version first.",
            ),
        )
    if routing.additional is not None:
        return (
            Finding(
                Level.BLOCK,
                "alias",
                f"{target} is in the middle of a shift: {routing}",
                f"Finish or undo it: lambdaops status {target.again}, lambdaops rollback {target.again}.",
            ),
        )
    return (Finding(Level.OK, "alias", f"{target} points at version {routing.primary}, all traffic"),)


def _versions(ports: Ports, target: Target, plan: Plan) -> tuple[tuple[Finding, ...], str]:
    """What is to be said of both versions, and where the candidate logs."""
    stable, trouble = _version(ports, target, plan.stable, "stable")
    if plan.candidate == NEW_VERSION:
        return trouble, ""
    if plan.candidate == plan.stable:
        same = f"version {plan.candidate} is both stable and candidate"
        return (Finding(Level.BLOCK, "versions", same, f"lambdaops versions {target.again} lists the others."),), ""
    candidate, more = _version(ports, target, plan.candidate, "candidate")
    if stable is None or candidate is None:
        return (*trouble, *more), ""
    # Before 2023 every function logged there, and AWS may not say so.
    log_group = candidate.log_group or f"/aws/lambda/{target.function}"
    return (*trouble, *more, *_alike(plan, stable, candidate), *_outlasting(plan, candidate)), log_group


def _version(ports: Ports, target: Target, number: str, role: str) -> tuple[Version | None, tuple[Finding, ...]]:
    try:
        version = ports.functions.get_version(target.function, number)
    except NotFoundError:
        return None, (
            Finding(
                Level.BLOCK,
                "versions",
                f"{role} version {number} of {target.function} does not exist",
                f"lambdaops versions {target.again} lists those that do.",
            ),
        )
    return version, (_state(version, role),)


def _state(version: Version, role: str) -> Finding:
    why = f": {version.state_reason_code} {version.state_reason}".rstrip() if version.state_reason_code else ""
    what = f"{role} version {version.number} is {version.state}{why if version.state != 'Active' else ''}"
    match version.state:
        case "Active":
            return Finding(Level.OK, "versions", what)
        case "Inactive":
            # SnapStart versions sleep after 14 days without an invocation; the first invocations then fail.
            return Finding(
                Level.WARN, "versions", f"{what}: its first invocations will be slow or fail", "Invoke it once first."
            )
        case "Pending":
            return Finding(Level.BLOCK, "versions", what, "Wait until it is Active, then try again.")
        case _:
            hint = "Publish another build." if role == "candidate" else "There would be nothing to roll back to."
            return Finding(Level.BLOCK, "versions", what, hint)


def _alike(plan: Plan, stable: Version, candidate: Version) -> tuple[Finding, ...]:
    findings = []
    # "Both versions must have the same execution role ... the same dead-letter queue configuration, or none": Lambda
    # developer guide, weighted aliases. A jump to 100 % needs no split.
    level = Level.BLOCK if any(stage.weight < FULL for stage in plan.stages) else Level.WARN
    for name, ours, theirs in (
        ("execution role", stable.role, candidate.role),
        ("dead-letter queue", stable.dead_letter, candidate.dead_letter),
    ):
        if ours != theirs:
            findings.append(
                Finding(
                    level,
                    "same-config",
                    f"versions {stable.number} and {candidate.number} have different {name}s: "
                    f"{ours or 'none'} and {theirs or 'none'}; AWS does not split traffic between them",
                    "Release with --strategy all-at-once, or give both the same.",
                )
            )
    same = candidate.code_sha256 == stable.code_sha256 and candidate.config_sha256 == stable.config_sha256
    if same and candidate.config_sha256:
        findings.append(
            Finding(
                Level.WARN,
                "same-code",
                f"versions {stable.number} and {candidate.number} have the same code and configuration",
            )
        )
    return tuple(findings)


def _outlasting(plan: Plan, candidate: Version) -> tuple[Finding, ...]:
    """Whether an invocation may take longer than the release watches after its last shift.

    "The timestamp on a metric reflects when the function was invoked" and an error is counted when it ends: Lambda
    developer guide, "Types of metrics". One that is under way at the end is nobody's any more.
    """
    last = plan.stages[-1].bake
    if candidate.timeout <= last:
        return ()
    allowed, bake = format_duration(candidate.timeout), format_duration(last)
    return (
        Finding(
            Level.WARN,
            "timeout",
            f"an invocation may take {allowed}, and the last stage bakes {bake}: one that fails at its end is not seen",
            f"Let the last stage bake longer: --bake {allowed}.",
        ),
    )


def _rolled_back_before(plan: Plan, entries: Sequence[Entry]) -> tuple[Finding, ...]:
    for release in reversed(releases(entries)):
        state = release.state
        if release.plan.candidate == plan.candidate and isinstance(state, Done):
            if state.outcome is Outcome.REFUSED:
                continue  # it wrote nothing, so it says nothing about the version
            if state.outcome is not Outcome.ROLLED_BACK:
                break
            return (_again(plan, f"{release.last.at:%F %T}", state.reason),)
    for entry in reversed(entries):
        if isinstance(entry.event, RolledBack):
            if plan.candidate in (entry.event.before.primary, entry.event.before.additional):
                return (_again(plan, f"{entry.at:%F %T}", entry.event.reason or "by hand"),)
            break
    return ()


def _again(plan: Plan, when: str, why: str) -> Finding:
    return Finding(Level.WARN, "rolled-back-before", f"version {plan.candidate} was rolled back on {when} UTC: {why}")


def _provisioned(ports: Ports, target: Target, plan: Plan) -> tuple[tuple[Finding, ...], bool]:
    check = "provisioned-concurrency"
    try:
        found = ports.functions.provisioned(target.function, target.alias)
    except (AwsError, NotFoundError) as error:
        return (_unknown(check, "whether the alias has provisioned concurrency", error),), False
    if found is None:
        return (), False
    what = f"{target} has provisioned concurrency, {found.status}: {found.available} of {found.requested} ready"
    if found.status == "IN_PROGRESS":
        finding = Finding(Level.BLOCK, check, what, "Wait until it is READY: AWS moves weights by itself.")
    elif found.status == "FAILED":
        finding = Finding(Level.WARN, check, f"{what}: {found.reason}")
    elif len(plan.stages) > 1:
        note = "it follows the alias only at 100 %, so the candidate starts cold during the split"
        finding = Finding(Level.WARN, check, f"{what}; {note}")
    else:
        finding = Finding(Level.OK, check, what)
    return (finding,), True


def _bypasses(ports: Ports, target: Target) -> tuple[Finding, ...]:
    """Callers that do not go through the alias: neither a shift nor a rollback reaches them."""

    def mappings() -> tuple[Finding, ...]:
        return tuple(
            Finding(
                Level.WARN,
                "bypass",
                f"event source {source.source} invokes {_qualified(target.function, source.qualifier)}, not {target}: "
                "neither this release nor a rollback reaches it",
                f"Point the event source mapping at {target}.",
            )
            for source in ports.functions.event_sources(target.function)
            if source.enabled and source.qualifier != target.alias
        )

    def policy() -> tuple[Finding, ...]:
        return tuple(
            Finding(
                Level.WARN,
                "bypass",
                f"{permission.principal} may invoke {_qualified(target.function, permission.qualifier)} directly"
                + (f" (statement {permission.sid})" if permission.sid else ""),
                f"Give the permission on {target} instead.",
            )
            for permission in ports.functions.permissions(target.function)
            if permission.qualifier != target.alias
        )

    return (
        *_optional(mappings, "bypass", "which event sources bypass the alias"),
        *_optional(policy, "bypass", "who may invoke the function around the alias"),
    )


def _qualified(function: str, qualifier: str) -> str:
    return f"{function}:{qualifier or LATEST}"


def _optional(read: Callable[[], tuple[Finding, ...]], check: str, what: str) -> tuple[Finding, ...]:
    """Make a check that a release can go without; say so when it could not be made."""
    try:
        return read()
    except (AwsError, NotFoundError) as error:
        return (_unknown(check, what, error),)


def _unknown(check: str, what: str, error: LambdaOpsError) -> Finding:
    return Finding(Level.WARN, check, f"unknown {what}: {error.message}", error.hint)
