"""Every alias of the region that is split between two versions, and who accounts for it. Nothing is written.

Rules this file guarantees: at most ten functions a second are asked for, because Lambda's control plane allows 15
requests a second to the whole account and region (Lambda quotas), and a running release or a rollback needs its share;
the order of the answer does not depend on which call came back first; a function that may not be read is named, never
left out in silence.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from lambdaops.core.errors import UNREADABLE_JOURNAL, AccessDeniedError, NotFoundError
from lambdaops.core.model import Target
from lambdaops.core.notices import Progress, Warned
from lambdaops.core.replay import open_release, phase, tells_now
from lambdaops.core.reports import AliasStanding, Standing
from lambdaops.core.states import Held

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lambdaops.core.model import Alias
    from lambdaops.core.replay import Release
    from lambdaops.ports import Clock, Inventory, Journals, Lease, Sink

_THREADS = 4
_PER_SECOND = 10
_SECOND = timedelta(seconds=1)
_TELL_EVERY = 100
_NAMES_TOLD = 5


def scan(
    inventory: Inventory, journals: Journals, clock: Clock, sink: Sink, environment: str = ""
) -> tuple[AliasStanding, ...]:
    """Look at every alias of every function; the answer has those that are split, by function and alias.

    The environment that the configuration calls this account and region is for the next steps to name.

    Raises:
        AccessDeniedError: functions may not be listed, or the aliases of none of them.
        AwsError: throttled beyond the client's patience, unreachable, credentials refused.
    """
    # Listed in this thread first: that makes the client, which threads may then share.
    functions = sorted(set(inventory.functions()))
    aliases, _ = all_aliases(inventory, functions, clock, sink)
    return tuple(standing_of(journals, alias, environment) for alias in aliases if alias.routing.additional is not None)


def all_aliases(
    inventory: Inventory, functions: Sequence[str], clock: Clock, sink: Sink
) -> tuple[tuple[Alias, ...], frozenset[str]]:
    """Every alias of these functions in their order, and the functions that may not be read.

    Raises:
        AccessDeniedError: none of them may be read.
        AwsError: throttled beyond the client's patience, unreachable, credentials refused.
    """
    sink.emit(Progress(clock.now(), f"looking at the aliases of {_count(len(functions), 'function')}"))
    found: list[Alias] = []
    denied: list[AccessDeniedError] = []
    for asked, answers in _asked(inventory, functions, clock):
        for answer in answers:
            if isinstance(answer, AccessDeniedError):
                denied.append(answer)
            else:
                found += answer
        if asked % _TELL_EVERY == 0 and asked < len(functions):
            sink.emit(Progress(clock.now(), f"looked at {asked} of {len(functions)} functions"))
    if denied:
        if len(denied) == len(functions):
            raise denied[0]
        sink.emit(Warned(clock.now(), f"the aliases of {_named(denied)} could not be read", denied[0].hint))
    return tuple(found), frozenset(error.target for error in denied)


def _asked(
    inventory: Inventory, functions: Sequence[str], clock: Clock
) -> Iterator[tuple[int, list[tuple[Alias, ...] | AccessDeniedError]]]:
    """The answers in order, ten functions at a time and a second apart, with how many have been asked for."""
    with ThreadPoolExecutor(_THREADS) as pool:
        for start in range(0, len(functions), _PER_SECOND):
            began = clock.now()
            chunk = functions[start : start + _PER_SECOND]
            yield start + len(chunk), list(pool.map(lambda function: _aliases(inventory, function), chunk))
            left = began + _SECOND - clock.now()
            if start + len(chunk) < len(functions) and left > timedelta():
                clock.sleep(min(left, _SECOND))


def _aliases(inventory: Inventory, function: str) -> tuple[Alias, ...] | AccessDeniedError:
    try:
        return inventory.aliases(function)
    except NotFoundError:
        return ()  # deleted since it was listed
    except AccessDeniedError as error:
        return error  # a policy may allow some functions only


def _named(denied: Sequence[AccessDeniedError]) -> str:
    names = [error.target for error in denied[:_NAMES_TOLD]]
    more = len(denied) - len(names)
    return ", ".join(names) + (f" and {_count(more, 'more function')}" if more else "")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def standing_of(journals: Journals, alias: Alias, environment: str) -> AliasStanding:
    """Who accounts for a split alias: a live process, a release in this machine's journal, or nobody known."""
    target = replace(Target.parse(alias.arn), environment=environment)
    back = f"lambdaops rollback {target.again}"
    look = f"lambdaops status {target.again}"

    def so(standing: Standing, release: str | None, detail: str, next_step: str) -> AliasStanding:
        return AliasStanding(str(target), alias.arn, alias.routing, standing, release, detail, next_step)

    lease = journals.driver(alias.arn)
    if lease is not None and lease.live:
        return so(Standing.DRIVEN, lease.release or None, f"driven by {lease.who}", f"{look} --watch")
    try:
        release = open_release(journals.open(alias.arn).recent(tells_now).entries)
    except UNREADABLE_JOURNAL as error:
        return so(Standing.UNREADABLE, None, error.message, f"lambdaops audit verify {target}")
    if release is None:
        return so(Standing.UNACCOUNTED, None, "no release of this machine accounts for it", f"{look}, then {back}")
    if not release.plan.owns(alias.routing):
        detail = f"{phase(release.state)}, but this is not what a stage of its plan writes"
        return so(Standing.UNACCOUNTED, release.id, detail, f"{look}, then {back}")
    again = f"lambdaops resume {target.again}, or {back}"
    if isinstance(release.state, Held):
        return so(Standing.HELD, release.id, f"{phase(release.state)}: {release.state.reason}", again)
    return so(Standing.ABANDONED, release.id, _abandoned(release, lease), again)


def _abandoned(release: Release, lease: Lease | None) -> str:
    who = f": {lease.who} died" if lease is not None else ""
    return f"{phase(release.state)}, and no process drives it{who}"
