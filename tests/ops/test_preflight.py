"""Preflight: one test for each thing it can find, and for each read that AWS does not allow."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from lambdaops.core.errors import (
    AccessDeniedError,
    AwsError,
    BlockedError,
    ExitCode,
    LambdaOpsError,
    NotFoundError,
    ThrottledError,
    UnreachableError,
)
from lambdaops.core.model import (
    LATEST,
    AlarmKind,
    AlarmState,
    EventSource,
    Finding,
    Level,
    Permission,
    Provisioned,
    Routing,
)
from lambdaops.core.notices import Planned
from lambdaops.core.plan import NEW_VERSION, Stage
from lambdaops.core.states import Done, Signal
from tests.sim.rig import Rig, plan_of
from tests.sim.world import version

QUEUE = "arn:aws:sqs:eu-central-1:111122223333:orders"
AT_ONCE = (Stage(10_000, timedelta(minutes=1)),)
OK, WARN, BLOCK = Level.OK, Level.WARN, Level.BLOCK


@pytest.fixture
def rig() -> Rig:
    rig = Rig()
    rig.world.alarm("errors")
    return rig


@pytest.mark.parametrize(("timeout", "count"), [(timedelta(seconds=30), 0), (timedelta(minutes=15), 1)])
def test_an_invocation_that_outlasts_the_last_stage(rig: Rig, timeout: timedelta, count: int) -> None:
    rig.world.versions["2"] = replace(rig.world.versions["2"], timeout=timeout)
    findings = found(rig, "timeout")
    assert len(findings) == count
    for finding in findings:
        assert finding.level is WARN
        assert "an invocation may take 15m" in finding.message
        assert "--bake 15m" in finding.hint


def change(
    rig: Rig, number: str, state: str = "Active", code: str = "", reason: str = "", reason_code: str = ""
) -> None:
    """Another state, and other code if any is given, for a version."""
    was = rig.world.versions[number]
    rig.world.versions[number] = replace(
        was, state=state, code_sha256=code or was.code_sha256, state_reason=reason, state_reason_code=reason_code
    )


def found(rig: Rig, check: str, candidate: str = "2") -> list[Finding]:
    """What preflight of the usual plan finds under this check, apart from what is well."""
    findings = rig.preflight(plan_of(candidate=candidate)).findings
    return [finding for finding in findings if finding.check == check and finding.level is not OK]


def only(rig: Rig, check: str) -> Finding:
    (finding,) = found(rig, check)
    return finding


def blocks(rig: Rig, finding: Finding) -> None:
    """The release is refused with this finding, and nothing was written anywhere."""
    entries, writes = len(rig.journal.entries), list(rig.world.writes)
    with pytest.raises(BlockedError) as caught:
        rig.release()
    assert finding in caught.value.findings
    assert finding.level is BLOCK
    assert finding.hint
    assert caught.value.exit_code is ExitCode.BLOCKED
    assert (len(rig.journal.entries), rig.world.writes, rig.questions) == (entries, writes, [])


def warns(rig: Rig, finding: Finding) -> None:
    """The release goes ahead with this finding, which is told first."""
    assert finding.level is WARN
    rig.release()
    planned = [notice for notice in rig.notices if isinstance(notice, Planned)]
    assert finding in planned[-1].findings


# -- nothing found -------------------------------------------------------------------------------------------------


def test_a_healthy_target_has_nothing_but_good_findings(rig: Rig) -> None:
    preflight = rig.preflight()
    assert not preflight.blocked
    assert [(finding.level, finding.check, finding.message) for finding in preflight.findings] == [
        (OK, "alias", "orders:live points at version 1, all traffic"),
        (OK, "versions", "stable version 1 is Active"),
        (OK, "versions", "candidate version 2 is Active"),
        (OK, "alarms", "metric alarm errors is OK since 02:00:00"),
    ]


def test_the_stable_version_of_the_plan_is_what_the_alias_points_at(rig: Rig) -> None:
    rig.world.repoint_alias(Routing("3"))
    assert rig.preflight().plan.stable == "3"


def test_preflight_writes_nothing_and_records_the_alarms(rig: Rig) -> None:
    preflight = rig.preflight()
    assert {"set_routing", "update_code", "publish_version"}.isdisjoint(rig.world.calls)
    assert rig.journal.entries == []
    assert [reading.name for reading in preflight.alarms] == ["errors"]


def test_all_of_preflight_is_read_before_anybody_is_asked(rig: Rig) -> None:
    rig.release()
    first_write = rig.world.calls.index("set_routing")
    needed = {"get_alias", "get_version", "read_alarms", "provisioned", "event_sources", "permissions"}
    assert needed <= set(rig.world.calls[:first_write])


# -- the alias -----------------------------------------------------------------------------------------------------


def test_an_alias_on_latest_blocks(rig: Rig) -> None:
    rig.world.repoint_alias(Routing(LATEST))
    finding = only(rig, "alias")
    assert "points at $LATEST, which has no stable version to return to" in finding.message
    blocks(rig, finding)


@pytest.mark.parametrize("routing", [Routing("1", "3", 1_000), Routing("1", "2", 1_000), Routing("2", "1", 5_000)])
def test_an_alias_in_the_middle_of_a_shift_blocks(rig: Rig, routing: Routing) -> None:
    """A release that died, somebody else's, or AWS moving provisioned concurrency: not ours to go on with."""
    rig.world.repoint_alias(routing)
    finding = only(rig, "alias")
    assert finding.message == f"orders:live is in the middle of a shift: {routing}"
    assert "lambdaops rollback orders:live" in finding.hint
    blocks(rig, finding)


# -- the versions --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "role"), [("1", "stable"), ("2", "candidate")])
def test_a_version_that_does_not_exist_blocks(rig: Rig, number: str, role: str) -> None:
    del rig.world.versions[number]
    finding = only(rig, "versions")
    assert finding.message == f"{role} version {number} of orders does not exist"
    blocks(rig, finding)


@pytest.mark.parametrize(
    ("state", "hint"),
    [
        ("Pending", "Wait until it is Active"),
        ("Failed", "Publish another build."),
        ("Deleting", "Publish another build."),
        ("SomethingNew", "Publish another build."),
    ],
)
def test_a_candidate_that_cannot_take_traffic_blocks(rig: Rig, state: str, hint: str) -> None:
    change(rig, "2", state, reason="The image is gone.", reason_code="ImageDeleted")
    finding = only(rig, "versions")
    assert finding.message == f"candidate version 2 is {state}: ImageDeleted The image is gone."
    assert finding.hint.startswith(hint)
    blocks(rig, finding)


@pytest.mark.parametrize(
    ("state", "hint"), [("Pending", "Wait until it is Active"), ("Failed", "There would be nothing to roll back to.")]
)
def test_a_stable_version_that_could_not_take_traffic_back_blocks(rig: Rig, state: str, hint: str) -> None:
    change(rig, "1", state)
    finding = only(rig, "versions")
    assert finding.message == f"stable version 1 is {state}"
    assert finding.hint.startswith(hint)
    blocks(rig, finding)


@pytest.mark.parametrize(("number", "role"), [("1", "stable"), ("2", "candidate")])
def test_a_version_that_sleeps_warns(rig: Rig, number: str, role: str) -> None:
    change(rig, number, "Inactive")
    finding = only(rig, "versions")
    assert finding.message == f"{role} version {number} is Inactive: its first invocations will be slow or fail"
    warns(rig, finding)


def test_the_same_version_twice_blocks(rig: Rig) -> None:
    preflight = rig.preflight(plan_of(candidate="1"))
    assert preflight.blocked
    assert "version 1 is both stable and candidate" in [finding.message for finding in preflight.findings]


@pytest.mark.parametrize(
    ("ours", "theirs", "message"),
    [
        ("role", "arn:role/b", "different execution roles: arn:aws:iam::111122223333:role/orders and arn:role/b"),
        ("dead_letter", "arn:queue", "different dead-letter queues: none and arn:queue"),
    ],
)
def test_what_aws_does_not_split_traffic_between_blocks(rig: Rig, ours: str, theirs: str, message: str) -> None:
    rig.world.versions["2"] = (
        replace(rig.world.versions["2"], role=theirs)
        if ours == "role"
        else replace(rig.world.versions["2"], dead_letter=theirs)
    )
    finding = only(rig, "same-config")
    assert message in finding.message
    assert "--strategy all-at-once" in finding.hint
    blocks(rig, finding)


def test_a_jump_to_full_traffic_needs_no_split(rig: Rig) -> None:
    rig.world.versions["2"] = replace(rig.world.versions["2"], role="arn:role/b", dead_letter="arn:queue")
    preflight = rig.preflight(plan_of(AT_ONCE))
    assert [finding.level for finding in preflight.findings if finding.check == "same-config"] == [WARN, WARN]
    assert not preflight.blocked


def test_the_same_code_and_configuration_warns(rig: Rig) -> None:
    change(rig, "2", code=rig.world.versions["1"].code_sha256)
    finding = only(rig, "same-code")
    assert finding.message == "versions 1 and 2 have the same code and configuration"
    warns(rig, finding)


@pytest.mark.parametrize("config", ["another", ""])
def test_the_same_code_with_another_or_an_unknown_configuration_is_not_the_same(rig: Rig, config: str) -> None:
    change(rig, "2", code=rig.world.versions["1"].code_sha256)
    rig.world.versions["2"] = replace(rig.world.versions["2"], config_sha256=config)
    if not config:
        rig.world.versions["1"] = replace(rig.world.versions["1"], config_sha256=config)
    assert found(rig, "same-code") == []


def test_a_candidate_that_is_not_published_yet_is_not_looked_for(rig: Rig) -> None:
    preflight = rig.preflight(plan_of(candidate=NEW_VERSION))
    assert not preflight.blocked
    assert [finding.message for finding in preflight.findings if finding.check == "versions"] == [
        "stable version 1 is Active"
    ]


# -- what the journal knows ----------------------------------------------------------------------------------------


def test_a_candidate_that_went_back_before_warns(rig: Rig) -> None:
    rig.world.clock.after(35, lambda: rig.world.breach("errors"))
    rig.release()
    rig.world.turn("errors", AlarmState.OK)
    finding = only(rig, "rolled-back-before")
    assert finding.message.startswith("version 2 was rolled back on 2026-11-23 03:00:40 UTC: errors: ALARM since 03:00")
    warns(rig, finding)


@pytest.mark.parametrize(("reason", "why"), [("checkout errors", "checkout errors"), ("", "by hand")])
@pytest.mark.parametrize("split", [True, False])
def test_a_candidate_that_was_rolled_back_by_hand_warns(rig: Rig, reason: str, why: str, *, split: bool) -> None:
    rig.world.repoint_alias(Routing("1", "2", 1_000) if split else Routing("2"))
    rig.rollback(to="1", reason=reason)
    finding = only(rig, "rolled-back-before")
    assert finding.message == f"version 2 was rolled back on 2026-11-23 03:00:00 UTC: {why}"
    warns(rig, finding)


def test_a_candidate_that_was_promoted_since_does_not_warn(rig: Rig) -> None:
    rig.world.clock.after(35, lambda: rig.world.breach("errors"))
    rig.release()
    rig.world.turn("errors", AlarmState.OK)
    rig.release()
    rig.release(plan_of(candidate="3"))
    assert found(rig, "rolled-back-before") == []


def test_a_refused_try_in_between_does_not_hide_that_it_went_back_before(rig: Rig) -> None:
    rig.world.clock.after(35, lambda: rig.world.breach("errors"))
    rig.release()
    rig.world.turn("errors", AlarmState.OK)
    rig.asked = (Signal.ROLLBACK, "SIGTERM")
    ended = rig.release()
    rig.asked = None
    assert isinstance(ended.state, Done)
    assert ended.exit_code is ExitCode.BLOCKED
    assert only(rig, "rolled-back-before").level is WARN


def test_another_candidate_does_not_inherit_the_warning(rig: Rig) -> None:
    rig.world.clock.after(35, lambda: rig.world.breach("errors"))
    rig.release()
    rig.world.turn("errors", AlarmState.OK)
    assert found(rig, "rolled-back-before", candidate="3") == []


def test_a_release_that_is_not_over_blocks_another(rig: Rig) -> None:
    rig.world.clock.after(35, lambda: setattr(rig, "asked", (Signal.HOLD, "Ctrl-C")))
    ended = rig.release()
    rig.asked = None
    findings = found(rig, "open-release", candidate="3")
    assert [(finding.level, finding.message) for finding in findings] == [
        (BLOCK, f"release {ended.release.id} (1 -> 2) of orders:live is not over, and nobody drives it")
    ]
    assert findings[0].hint.startswith("Take it up with lambdaops resume orders:live")
    rig.journals.busy = True
    (driven,) = found(rig, "open-release", candidate="3")
    assert driven.message.endswith("is not over: pid 4711 on ci-7 drives it")
    assert driven.hint.startswith("Steer it with lambdaops promote, pause or resume orders:live, or undo it")


# -- alarms --------------------------------------------------------------------------------------------------------


def test_an_alarm_that_does_not_exist_blocks(rig: Rig) -> None:
    rig.world.delete_alarm("errors")
    finding = only(rig, "alarms")
    assert finding.message == "alarm errors does not exist in this account and region"
    blocks(rig, finding)


@pytest.mark.parametrize("kind", AlarmKind)
def test_an_alarm_that_is_already_in_alarm_blocks(rig: Rig, kind: AlarmKind) -> None:
    rig.world.alarm("errors", AlarmState.ALARM, kind)
    finding = only(rig, "alarms")
    assert finding.message.startswith(f"{kind.value} alarm errors is ALARM since 02:00:00")
    blocks(rig, finding)


def test_an_alarm_without_data_warns(rig: Rig) -> None:
    rig.world.alarm("errors", AlarmState.INSUFFICIENT_DATA)
    finding = only(rig, "alarms")
    assert "no data is not success, so the release waits for it at most 3m" in finding.message
    warns(rig, finding)


def test_an_ignored_alarm_warns_and_does_not_block(rig: Rig) -> None:
    rig.world.breach("errors")
    preflight = rig.preflight(plan_of(ignored=("errors",)))
    assert not preflight.blocked
    assert [finding.level for finding in preflight.findings if finding.check == "alarms"] == [WARN]


def test_no_alarm_at_all_warns(rig: Rig) -> None:
    preflight = rig.preflight(plan_of(alarms=()))
    assert [finding.level for finding in preflight.findings if finding.check == "alarms"] == [WARN]
    assert "read_alarms" not in rig.world.calls, "an empty list of names would mean every alarm"


def test_every_block_is_listed_and_the_first_one_named(rig: Rig) -> None:
    rig.world.breach("errors")
    del rig.world.versions["2"]
    with pytest.raises(
        BlockedError, match=r"is blocked: candidate version 2 .* does not exist \(and 1 more\)"
    ) as caught:
        rig.release()
    assert [finding.check for finding in caught.value.findings if finding.level is BLOCK] == ["versions", "alarms"]


# -- provisioned concurrency ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "stages", "level", "message"),
    [
        ("READY", 3, WARN, "READY: 5 of 5 ready; it follows the alias only at 100 %"),
        ("READY", 1, OK, "READY: 5 of 5 ready"),
        ("FAILED", 3, WARN, "FAILED: 5 of 5 ready: no capacity"),
        ("FAILED", 1, WARN, "FAILED: 5 of 5 ready: no capacity"),
        ("IN_PROGRESS", 3, BLOCK, "IN_PROGRESS: 5 of 5 ready"),
        ("IN_PROGRESS", 1, BLOCK, "IN_PROGRESS: 5 of 5 ready"),
    ],
)
def test_provisioned_concurrency(rig: Rig, status: str, stages: int, level: Level, message: str) -> None:
    rig.world.concurrency = Provisioned(status, 5, 5, "no capacity" if status == "FAILED" else "")
    preflight = rig.preflight(plan_of(AT_ONCE) if stages == 1 else plan_of())
    (finding,) = (finding for finding in preflight.findings if finding.check == "provisioned-concurrency")
    assert finding.level is level
    assert f"orders:live has provisioned concurrency, {message}" in finding.message
    assert preflight.plan.provisioned, "the machine must know, to tell AWS's moves from drift"


def test_without_provisioned_concurrency_the_plan_says_so(rig: Rig) -> None:
    assert rig.preflight().plan.provisioned is False
    assert found(rig, "provisioned-concurrency") == []


# -- callers that the alias does not reach -------------------------------------------------------------------------


@pytest.mark.parametrize(("qualifier", "invokes"), [("", "orders:$LATEST"), ("1", "orders:1"), ("beta", "orders:beta")])
def test_an_event_source_around_the_alias_warns(rig: Rig, qualifier: str, invokes: str) -> None:
    rig.world.mappings = [EventSource(QUEUE, qualifier, enabled=True)]
    finding = only(rig, "bypass")
    assert f"event source {QUEUE} invokes {invokes}, not orders:live" in finding.message
    assert finding.hint == "Point the event source mapping at orders:live."
    warns(rig, finding)


def test_event_sources_of_the_alias_and_disabled_ones_are_fine(rig: Rig) -> None:
    rig.world.mappings = [EventSource(QUEUE, "live", enabled=True), EventSource(QUEUE, "", enabled=False)]
    assert found(rig, "bypass") == []


@pytest.mark.parametrize(("sid", "suffix"), [("s3-invoke", " (statement s3-invoke)"), ("", "")])
def test_a_permission_around_the_alias_warns(rig: Rig, sid: str, suffix: str) -> None:
    rig.world.policy = [Permission("s3.amazonaws.com", "", sid)]
    finding = only(rig, "bypass")
    assert finding.message == f"s3.amazonaws.com may invoke orders:$LATEST directly{suffix}"
    warns(rig, finding)


def test_a_permission_on_the_alias_is_fine(rig: Rig) -> None:
    rig.world.policy = [Permission("s3.amazonaws.com", "live", "s3-invoke")]
    assert found(rig, "bypass") == []


# -- reads that AWS does not allow ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        AccessDeniedError("not allowed", hint="Ask for it."),
        ThrottledError("slow down"),
        UnreachableError("timeout"),
        NotFoundError("no such thing"),
    ],
    ids=lambda error: error.code,
)
@pytest.mark.parametrize(
    ("call", "check", "message"),
    [
        ("provisioned", "provisioned-concurrency", "unknown whether the alias has provisioned concurrency"),
        ("event_sources", "bypass", "unknown which event sources bypass the alias"),
        ("permissions", "bypass", "unknown who may invoke the function around the alias"),
    ],
)
def test_a_check_that_can_be_missed_warns_when_it_cannot_be_made(
    rig: Rig, call: str, check: str, message: str, error: LambdaOpsError
) -> None:
    rig.world.fail(call, error, times=9)
    finding = only(rig, check)
    assert finding == Finding(WARN, check, f"{message}: {error.message}", error.hint)
    warns(rig, finding)
    rig.expect("2")


@pytest.mark.parametrize("error", [AccessDeniedError("not allowed"), ThrottledError("slow down")])
@pytest.mark.parametrize("call", ["get_alias", "get_version", "read_alarms", "caller"])
def test_a_read_the_release_needs_ends_it_before_anything_is_written(rig: Rig, call: str, error: AwsError) -> None:
    rig.world.fail(call, error, times=9)
    with pytest.raises(AwsError) as caught:
        rig.release()
    assert caught.value is error
    assert caught.value.exit_code is ExitCode.AWS
    assert (rig.world.writes, rig.journal.entries) == ([], [])


def test_a_version_published_by_somebody_else_is_a_candidate_like_any_other(rig: Rig) -> None:
    rig.world.versions["7"] = version("7", code="code-7")
    assert rig.release(plan_of(candidate="7")).exit_code is ExitCode.DONE
