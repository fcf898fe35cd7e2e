"""A release killed from outside at any moment: traffic is where the journal says, and anybody can go on from there.

``KILL_SEED=7 pytest -m wire tests/wire/test_kill.py`` draws other random moments; every message names its own.
``-m "wire and not exhaustive"`` kills at a fifth of the moments, as every change does.
"""

from __future__ import annotations

import itertools
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.errors import ExitCode
from lambdaops.core.model import Routing
from lambdaops.core.replay import open_release, releases
from tests.wire.killed import Moment
from tests.wire.killing import AGAIN, BACK, FORWARD, RESUME, ROLLBACK, ZIP, AtAppend, AtRandom, Came, Case, run_all

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambdaops.sandbox.server import Server
    from tests.wire.killing import Seen

APPENDS = {FORWARD: 13, ZIP: 15, BACK: 10}
"""How many records each scene writes when nobody disturbs it."""
SEED = int(os.environ.get("KILL_SEED", "1"))
EACH = 5
"""Random kills a phase."""
PHASES = [
    (FORWARD, AtRandom("starting", "", 0, (0.0, 0.4))),
    (FORWARD, AtRandom("preflight", "GetAlias", 1, (0.0, 0.1))),
    (ZIP, AtRandom("publishing", "UpdateFunctionCode", 1, (0.0, 0.3))),
    (FORWARD, AtRandom("first-write", "GetCallerIdentity", 1, (0.0, 0.06))),
    (FORWARD, AtRandom("baking", "UpdateAlias", 1, (0.0, 1.4))),
    (FORWARD, AtRandom("later-stage", "UpdateAlias", 2, (0.0, 1.4))),
    (ZIP, AtRandom("promotion-bake", "UpdateAlias", 3, (0.0, 1.4))),
    (BACK, AtRandom("alarm", "UpdateAlias", 1, (0.0, 1.2))),
    (BACK, AtRandom("going-back", "UpdateAlias", 2, (0.0, 0.02))),
]


def _cases() -> Iterator[Case]:
    then = itertools.cycle((AGAIN, RESUME, AGAIN, ROLLBACK, AGAIN))
    for scene, count in APPENDS.items():
        for number in range(1, count + 1):
            for moment in Moment:
                # Half written and not yet synced differ from the other two in the journal only: a sample will do.
                if scene == FORWARD or moment in (Moment.BEFORE, Moment.AFTER) or number % 4 == 0:
                    yield Case(scene, AtAppend(number, moment), next(then))
    for scene, first in ((FORWARD, 4), (FORWARD, 7), (ZIP, 2), (ZIP, 7), (BACK, 6)):
        for moment in (Moment.TORN, Moment.AFTER):
            for number in (1, 2):
                yield Case(scene, AtAppend(first, moment), next(then), AtAppend(number, Moment.TORN))
    for scene, kill in PHASES:
        for number in range(EACH):
            yield Case(scene, replace(kill, seed=SEED * 1000 + number), next(then))


CASES = {str(case): case for case in _cases()}
LAST = {
    scene: next(str(case) for case in CASES.values() if (case.scene, case.kill) == (scene, AtAppend(n, Moment.AFTER)))
    for scene, n in APPENDS.items()
}
SAMPLE = {*itertools.islice(CASES, 0, None, 5), *LAST.values()}


@pytest.fixture(scope="module")
def outcomes(
    request: pytest.FixtureRequest, server: Server, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Came | str]:
    """Those of the cases that were asked for, run side by side: those that wait for the clock more at a time."""
    names = {item.callspec.params.get("name") for item in request.session.items if hasattr(item, "callspec")}
    chosen = [case for name, case in CASES.items() if name in names]
    waiting = [case for case in chosen if isinstance(case.kill, AtRandom)]
    working = [case for case in chosen if case not in waiting]
    directory = tmp_path_factory.mktemp("kills")
    return {**run_all(server, directory, working, 3), **run_all(server, directory, waiting, 6)}


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in SAMPLE else pytest.mark.exhaustive) for name in CASES]
)
def test_a_kill(outcomes: dict[str, Came | str], name: str) -> None:
    came = outcomes[name]
    assert isinstance(came, Came), came
    case, last = came.case, came.kills[-1]
    told = str(came)
    for kill, seen in zip((case.kill, case.second), came.kills, strict=False):
        _just_killed(kill, seen, told)
    assert (came.code, came.alias) in _ends(came, last), told
    # What nobody appended to since is incomplete, which is not the same as valid.
    assert came.verified == (ExitCode.USAGE if came.torn else ExitCode.DONE), told
    assert open_release(came.reading.entries) is None, told
    if case.scene == ZIP:
        # Whoever goes on with the same command publishes at most once; the others leave it as the kill left it.
        assert came.published == 1 or (case.then != AGAIN and not last.open and came.published == 0), told
    else:
        assert came.published == 0, told


def _just_killed(kill: AtAppend | AtRandom | None, seen: Seen, told: str) -> None:
    """Traffic is where the journal says, and the journal holds every record whose append returned."""
    assert "Traceback" not in seen.err, told + seen.err
    assert seen.alias in seen.said, told
    releases(seen.reading.entries)
    if not isinstance(kill, AtAppend):
        return
    assert seen.killed, f"{told}\nit did not come to append {kill.number}"
    assert seen.appended == kill.number - (kill.moment in (Moment.BEFORE, Moment.TORN)), told


def _ends(came: Came, seen: Seen) -> set[tuple[int, Routing]]:
    """Exit code and alias, as they may be once somebody went on after ``seen``."""
    stable, candidate = Routing("1"), Routing(came.candidate)
    match came.case.then:
        case "rollback":
            # Nothing was begun: the alias is on its stable version, and which other one was good is not known.
            return {(0, stable)} if seen.moved or seen.open else {(3, stable)}
        case "resume" if not seen.open:
            return {(3, seen.alias)}
    if came.case.scene != BACK:
        return {(0, candidate)}
    # A new release of a version whose alarm is in ALARM does not pass preflight.
    return {(4, stable)} if seen.open or not seen.alarmed else {(3, stable)}


@pytest.mark.parametrize("scene", APPENDS)
def test_every_append_of_a_scene_is_covered(outcomes: dict[str, Came | str], scene: str) -> None:
    """The table goes as far as the releases do: what is killed at the last append has done all others."""
    if LAST[scene] not in outcomes:
        pytest.skip("not asked for")
    came = outcomes[LAST[scene]]
    assert isinstance(came, Came), came
    assert came.kills[0].kinds[-1] == "Closed", str(came)


def test_random_kills_hit_every_phase(outcomes: dict[str, Came | str]) -> None:
    """Not always at the wanted moment, but not always beside it either."""
    asked = [came for came in outcomes.values() if isinstance(came, Came) and isinstance(came.case.kill, AtRandom)]
    if not asked:
        pytest.skip("not asked for")
    missed = [str(came.case) for came in asked if not came.kills[0].killed]
    assert len(missed) <= len(asked) * 0.3, missed
