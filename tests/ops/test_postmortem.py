"""After a rollback: the candidate's errors, once traffic is safe, and never in the journal."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from lambdaops.core.codec import encode
from lambdaops.core.errors import ExitCode
from lambdaops.core.logged import Logged, LoggedError
from lambdaops.core.model import Routing
from lambdaops.core.states import Signal
from lambdaops.ops import release as op
from lambdaops.ops.postmortem import logged_errors
from lambdaops.ports.logs import LogOf, LogRead
from tests.sim.rig import TARGET, Rig, plan_of


@pytest.fixture
def rig() -> Rig:
    rig = Rig()
    rig.world.alarm("errors")
    rig.world.logged = LogRead(("[ERROR] ValueError: no order 4711", "hello", "[ERROR] ValueError: no order 12"))
    return rig


def broken(rig: Rig) -> None:
    rig.world.clock.after(30, lambda: rig.world.breach("errors"))


def test_the_candidate_s_errors_since_the_release_began(rig: Rig) -> None:
    broken(rig)
    ended = rig.release()
    assert ended.exit_code is ExitCode.ROLLED_BACK
    logged = logged_errors(rig.ports, TARGET, ended)
    assert logged == Logged("/aws/lambda/orders", (LoggedError(2, "ValueError: no order <n>"),))
    ((log, since, until, within),) = rig.world.logs_asked
    assert log == LogOf("orders", "2", "/aws/lambda/orders")
    assert since == ended.release.opened.at
    assert until == rig.world.clock.now()
    assert within == timedelta(seconds=5)
    assert rig.world.calls.index("errors") > max(at for at, call in enumerate(rig.world.calls) if call == "set_routing")
    assert rig.world.routing == Routing("1")


def test_nothing_of_it_is_in_the_journal(rig: Rig) -> None:
    broken(rig)
    logged_errors(rig.ports, TARGET, rig.release())
    assert "ValueError" not in str([encode(entry.event) for entry in rig.journal.entries])


def test_the_group_that_the_version_names(rig: Rig) -> None:
    rig.world.versions["2"] = replace(rig.world.versions["2"], log_group="/shop")
    broken(rig)
    logged = logged_errors(rig.ports, TARGET, rig.release())
    assert logged is not None
    assert logged.group == "/shop"


def test_what_could_not_be_read_is_said(rig: Rig) -> None:
    rig.world.logged = LogRead(trouble="not authorized")
    broken(rig)
    assert logged_errors(rig.ports, TARGET, rig.release()) == Logged("/aws/lambda/orders", (), "not authorized")


def test_a_process_that_is_asked_to_end_does_not_stay_for_it(rig: Rig) -> None:
    rig.world.clock.after(30, lambda: setattr(rig, "asked", (Signal.ROLLBACK, "SIGTERM")))
    ended = rig.release()
    assert ended.exit_code is ExitCode.ROLLED_BACK
    assert logged_errors(rig.ports, TARGET, ended) is None
    assert "errors" not in rig.world.calls


def test_a_version_that_was_not_taken_back_or_never_had_traffic_is_not_asked_for(rig: Rig) -> None:
    assert logged_errors(rig.ports, TARGET, rig.release()) is None
    again = Rig()
    again.world.alarm("errors")
    request = op.Request(TARGET, plan_of(), read_logs=False)
    again.world.clock.after(30, lambda: again.world.breach("errors"))
    ended = op.release(again.ports, request)
    assert ended is not None
    assert ended.exit_code is ExitCode.ROLLED_BACK
    assert logged_errors(again.ports, TARGET, ended) is None
    assert "errors" not in again.world.calls + rig.world.calls
