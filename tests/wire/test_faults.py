"""Every fault on every call: traffic ends where the exit code and the journal say, and what passes does no harm.

All of them take twelve minutes. ``-m "wire and not exhaustive"`` runs into a sample, as every change does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.wire.bench import run_all
from tests.wire.faults import table
from tests.wire.injected import (
    CUT,
    FOREIGN,
    JUDGED,
    LOST,
    PASSING,
    RELEASE,
    REVERT,
    ROLLBACK,
    SIGNING,
    SILENT,
    SLOW,
    ZIP,
    Case,
    Phase,
    cases,
    sample,
)
from tests.wire.proxy import ANY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambdaops.sandbox.server import Server
    from tests.wire.bench import Came

UNHARMED = {RELEASE: "0 candidate", ZIP: "0 candidate", ROLLBACK: "0 stable", REVERT: "4 stable", JUDGED: "0 candidate"}
ANSWER_LOST = (LOST, SILENT, CUT, SLOW)
"""The call takes effect all the same."""


def expected(case: Case) -> set[str]:
    """Exit code and alias, as they may be."""
    call, fault, unharmed = case.call, case.fault, UNHARMED[case.call.scene]
    if call.operation == ANY:
        return _together(case)
    if call.operation in ("UpdateFunctionCode", "PublishVersion") and fault in ANSWER_LOST and fault is not SLOW:
        # A second try meets a revision of the first one's making; the alias was not touched, and the same command
        # goes on from there.
        return {unharmed, "7 stable", "8 stable"}
    if call.phase is Phase.OPTIONAL or (fault in PASSING and not case.lasting):
        return {unharmed}
    locked_out, once = fault in SIGNING, not case.lasting
    match call.phase:
        case Phase.BEFORE:
            return {f"8 {call.where}"}
        case Phase.READY:
            # What the alarms say is asked with the same credentials as the alias: where these fail for the alarms
            # alone, the next look decides.
            tolerated = once and not (locked_out and call.operation == "GetAlias")
            return {unharmed} if tolerated else {"8 stable"}
        case Phase.FIRST_WRITE:
            seen_later = fault in ANSWER_LOST or (once and fault is FOREIGN)
            return {unharmed} if seen_later else {"8 stable"}
        case Phase.BAKING:
            if locked_out and call.operation == "GetAlias":
                return {f"8 {call.where}"}
            if once:
                return {unharmed}
            # Blind for good: taken back. Nobody sees the proof where it is the alias that cannot be read.
            return {"5 stable"} if call.operation == "GetAlias" else {"4 stable"}
        case Phase.LATER_WRITE:
            if fault in ANSWER_LOST or (once and fault is FOREIGN):
                return {unharmed}
            if locked_out:
                return {f"8 {call.where}"}
            return {"4 stable"} if once else {f"5 {call.where}"}
        case Phase.GOING_BACK:
            seen_later = fault in ANSWER_LOST or (once and fault is FOREIGN)
            return {unharmed} if seen_later else {f"5 {call.where}"}
        case _:
            if once and (fault is FOREIGN or call.scene == REVERT):
                return {unharmed, "5 stable"} if locked_out else {unharmed}
            return {"5 stable"}


def _together(case: Case) -> set[str]:
    """Everything fails from one request on: for good, or for two requests."""
    call = case.call
    if case.fault in PASSING:
        if not case.lasting:
            return {"0 candidate"}
        if call.phase is Phase.BAKING:
            return {f"5 {call.where}"}
        # Whether the very first write landed cannot be seen: it must be taken back, and cannot be.
        return {"5 stable"} if call.phase is Phase.FIRST_WRITE else {"8 stable"}
    # Two requests may both be ones that it can do without.
    return {f"8 {call.where}"} | (set() if case.lasting else {"0 candidate"})


CASES = {str(case): case for case in cases()}
SAMPLE = {str(case): case for case in sample()}


@pytest.fixture(scope="module")
def outcomes(
    request: pytest.FixtureRequest, server: Server, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Came]:
    """Those of the cases that were asked for, all run side by side."""
    names = {item.callspec.params.get("name") for item in request.session.items if hasattr(item, "callspec")}
    chosen = [case for name, case in CASES.items() if name in names]
    return run_all(server, tmp_path_factory.mktemp("faults"), chosen)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in SAMPLE else pytest.mark.exhaustive) for name in CASES]
)
def test_a_fault(outcomes: dict[str, Came], name: str) -> None:
    came = outcomes[name]
    case = came.case
    assert not came.fell, came.fell
    assert came.met, f"the fault was never met: {came.calls}"
    assert "Traceback" not in came.err
    # Traffic, before all else.
    assert came.alias.versions <= {"1", came.candidate}
    assert came.release is None or came.alias in came.said, "the alias is not what the journal says"
    assert came.verified
    assert str(came) in expected(case), (str(came), came.out)
    assert came.published <= (case.call.scene == ZIP)
    if came.then:
        assert came.then == ("0 candidate" if case.call.scene == ZIP else "0 stable")
    if came.code:
        data = came.out["data"]
        assert came.error.get("hint") or data.get("next") or (came.code == 4 and data["reason"]), came.out


def test_the_table_has_a_row_for_each_call(outcomes: dict[str, Came]) -> None:
    lines = table(outcomes.values()).splitlines()
    assert len(lines) == 2 + len({came.case.call for came in outcomes.values()})
    assert len({line.count("|") for line in lines}) <= 1


def test_the_sample_has_every_operation_and_every_fault() -> None:
    def seen(which: Iterable[Case]) -> set[tuple[str, str]]:
        return {pair for case in which for pair in (("on", case.call.operation), (case.fault.name, str(case.lasting)))}

    assert seen(SAMPLE.values()) == seen(CASES.values())


def test_what_is_expected_never_leaves_the_two_versions() -> None:
    """The expectations themselves: a fault may cost the release, never the traffic."""
    for case in CASES.values():
        for outcome in expected(case):
            code, _, where = outcome.partition(" ")
            assert where in ("stable", "candidate", case.call.where)
            assert code != "0" or outcome == UNHARMED[case.call.scene]
