"""Follow a release that another process of this machine drives, from its journal."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from lambdaops.core.events import Entry
from lambdaops.core.notices import Progress
from lambdaops.core.replay import releases
from lambdaops.core.states import Held, Signal
from lambdaops.ops.release import look

if TYPE_CHECKING:
    from lambdaops.core.model import Target
    from lambdaops.core.states import State
    from lambdaops.ports import Ports

_EVERY = timedelta(seconds=1)


def follow(ports: Ports, target: Target) -> State | None:
    """Tell every new record of the release that is not over, until it is; None when there is none.

    Raises:
        NotFoundError, AwsError, JournalTamperedError.
    """
    situation = look(ports, target)
    if situation.open is None:
        ports.sink.emit(Progress(ports.clock.now(), f"no release of {target} is running here"))
        return None
    journal = ports.journals.open(situation.alias.arn)
    read, mine = 0, list[Entry]()
    while True:
        for entry in journal.since(read):
            read = entry.seq or read
            if entry.release == situation.open.id:
                mine.append(entry)
                ports.sink.emit(entry)
        (release,) = releases(mine)
        if not release.open or isinstance(release.state, Held) or _asked_to_leave(ports):
            return release.state
        ports.clock.sleep(_EVERY)


def _asked_to_leave(ports: Ports) -> bool:
    asked = ports.signals.pending()
    return asked is not None and asked[0] is Signal.HOLD
