"""Who else is told what a command does, once it is known where it acts."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambdaops.cli.env import Env
    from lambdaops.cli.reach import Reach
    from lambdaops.core.events import Entry
    from lambdaops.core.notices import Notice
    from lambdaops.notify.notifying import Notifying
    from lambdaops.ports import Journals, Sink


class ToldTo:
    """A sink around the one that the person reads; from :meth:`tell` on the channels of the settings are told too.

    On its way out it waits for them, five seconds at most. Where nobody is to be told it costs nothing.
    """

    def __init__(self, env: Env, sink: Sink) -> None:
        self._env = env
        self._sink = sink
        self._told: Notifying | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._told is not None:
            self._told.close()

    def emit(self, notice: Notice) -> None:
        """Pass a notice on."""
        (self._told or self._sink).emit(notice)

    def tell(self, reach: Reach) -> None:
        """From now on tell the channels of these settings; warns of those that cannot be told, and goes on."""
        if not reach.settings.notify or self._told is not None:
            return
        from lambdaops.core.errors import NotToldError
        from lambdaops.core.notices import Warned
        from lambdaops.core.notifications import Story
        from lambdaops.notify.notifying import Notifying

        env = self._env
        found = []
        for channel in reach.settings.notify:
            try:
                found.append((channel, env.notifier(channel, region=reach.region, profile=reach.profile)))
            except NotToldError as error:
                self._sink.emit(Warned(env.clock.now(), f"nobody will be told by {error.message}", error.hint))
        if found:
            story = Story(reach.settings.environment)
            journals = partial(_entries, reach.journals(env))
            self._told = Notifying(self._sink, found, story, journals, env.clock.now)


def _entries(journals: Journals, arn: str) -> Iterable[Entry]:
    return journals.open(arn).read().entries
