"""After a rollback: what the candidate wrote to its log when it failed.

Rules this file guarantees: traffic is safe before this begins; it takes five seconds at most and never fails; nothing
of it goes into the journal.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from lambdaops.core.logged import Logged, top_errors
from lambdaops.core.states import Done, Outcome
from lambdaops.ports.logs import LogOf

if TYPE_CHECKING:
    from lambdaops.core.model import Target
    from lambdaops.ops.release import Ended
    from lambdaops.ports import Ports

WITHIN = timedelta(seconds=5)


def logged_errors(ports: Ports, target: Target, ended: Ended) -> Logged | None:
    """The candidate's most frequent error messages.

    None where it was not taken back, its log is not to be read, or this process was asked to end: a CI system that
    stops a job gives it seconds.
    """
    release, state = ended.release, ended.state
    taken_back = isinstance(state, Done) and state.outcome is Outcome.ROLLED_BACK
    group = release.plan.log_group
    if not taken_back or not release.landed or not group or ports.signals.pending() is not None:
        return None
    log = LogOf(target.function, release.plan.candidate, group)
    read = ports.logs.errors(log, release.opened.at, ports.clock.now(), WITHIN)
    return Logged(group, top_errors(read.events), read.trouble)
