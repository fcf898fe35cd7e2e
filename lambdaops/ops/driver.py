"""The loop that drives one release: observe, decide, journal the intent, act, journal the outcome, tell, wait.

Rules this file guarantees: the driver remembers nothing that replaying the journal would not give back; an intent is on
disk before its call; without a journal nothing moves forward, but traffic still goes back; a call whose answer was
lost is settled by reading the alias, never by guessing.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, assert_never

from lambdaops.core.errors import (
    UNREADABLE_JOURNAL,
    AliasChangedError,
    AwsError,
    JournalUnwritableError,
    LambdaOpsError,
    NotFoundError,
)
from lambdaops.core.events import (
    Closed,
    Decided,
    Failed,
    Intent,
    Judged,
    Landed,
    Observed,
    Resumed,
    RolledBack,
    Signalled,
)
from lambdaops.core.gates import GateResult, assess_alarms, unreadable
from lambdaops.core.judging import Early, assess, blind, rows_of
from lambdaops.core.lifecycle import place, resumed, same
from lambdaops.core.machine import decide
from lambdaops.core.metric_verdicts import assess_metrics, unread
from lambdaops.core.model import FULL, AlarmReading, Alias, Target
from lambdaops.core.notices import Looked
from lambdaops.core.replay import Release, advance, phase, wants_rollback
from lambdaops.core.states import (
    Baking,
    Done,
    Fault,
    Held,
    Observation,
    Outcome,
    Ready,
    Reverting,
    SetRouting,
    Signal,
    Stop,
    Wait,
)
from lambdaops.ops.belated import Belated
from lambdaops.ops.recorder import Recorder
from lambdaops.ops.watching import look_at_metrics
from lambdaops.ports import Drive, Ports

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from lambdaops.core.events import Entry, Event
    from lambdaops.core.states import State

_LISTEN_EVERY = timedelta(seconds=0.5)
_FACTS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class _Look:
    """What one tick saw."""

    alias: Alias | None
    blind: str
    alarms: tuple[AlarmReading, ...]
    gates: tuple[GateResult, ...]
    locked_out: AwsError | None = None
    trouble: LambdaOpsError | None = None


@dataclass(slots=True)
class Driver:
    """Drives ``release`` of ``target`` until it is done or held.

    ``heard`` is the number of the last record that was read, ours or another process's. ``error`` is the last error an
    alias write met, or the one that locked us out; it tells a caller why a release was refused or is stuck.
    """

    recorder: Recorder[Ports]
    drive: Drive
    target: Target
    release: Release
    heard: int
    error: LambdaOpsError | None = None
    _own: set[int] = field(default_factory=set)
    _fault: Fault | None = None
    _seen: Observed | None = None
    _signal: tuple[Signal, str] | None = None
    _late: Belated = field(init=False)

    def __post_init__(self) -> None:
        self._late = Belated(self.recorder, self._heard)

    def run(self) -> State:
        """Tick until the release stops.

        Raises:
            JournalUnwritableError, InvalidFileError: the journal failed before anything had moved.
        """
        while True:
            try:
                if self._tick():
                    return self.release.state
            except (JournalUnwritableError, *UNREADABLE_JOURNAL) as error:
                if not self.release.landed and self.release.pending is None:
                    raise
                # Traffic is split and the log is gone: nothing moves forward any more, everything goes back.
                reason = f"the journal cannot be written: {error.message}"
                self._fold(self._late.record(Decided(Reverting(reason, self._now()), reason)))

    def resume(self, asked: Signalled | None = None) -> State:
        """Take the release up where the journal says it is, then run; ``asked`` is what the person wants of it."""
        self._record(Resumed(resumed(self.release.state, self._now())))
        if asked is not None:
            self._record(asked)
        return self.run()

    def _tick(self) -> bool:
        """One tick; True when there is nothing more to do."""
        self.drive.beat()
        look = self._observe()
        fault, self._fault = self._fault, None
        overtaken = self._overtaken(look)
        if self._reconciled(look):
            fault = None
        self._record_if_changed(look)
        self._listen()
        asked = self._most_urgent()
        observation = replace(self._observation(look, fault, asked), overtaken=overtaken)
        state, action = decide(self.release.plan, self.release.state, observation)
        if asked is not None:
            self._answer(state, action.reason, asked)
        match action:
            case SetRouting():
                self._adopt(state, action.reason)
                self._write(look, action)
                return False
            case Wait():
                self._adopt(state, action.reason)
                self._wait(look, action)
                return False
            case Stop():
                self._adopt(state, action.reason)
                if isinstance(state, Done):
                    if state.outcome is Outcome.REFUSED and self.error is None and asked is None:
                        self.error = look.trouble  # waiting for AWS was in vain: its word, and its exit code
                    self._record(Closed(state.outcome, state.reason))
                return True
            case _:
                assert_never(action)

    # -- observe ---------------------------------------------------------------------------------------------------

    def _observe(self) -> _Look:
        ports = self.recorder.ports
        alias, why = None, ""
        trouble: LambdaOpsError | None = None
        try:
            alias = ports.functions.get_alias(self.target.function, self.target.alias)
        except (AwsError, NotFoundError) as error:
            why, trouble = error.message, error
            if isinstance(error, AwsError) and error.locked_out:
                return _Look(None, why, (), unreadable(self.release.plan.alarms, why), error)
        plan = self.release.plan
        if isinstance(self.release.state, Reverting):
            return _Look(alias, why, (), ())  # a rollback asks no gate
        judged, unjudged = self._judge()
        trouble = trouble or unjudged
        try:
            alarms = ports.alarms.read_alarms(plan.alarms)
        except (AwsError, NotFoundError) as error:
            gates = (*unreadable(plan.alarms, error.message), *judged)
            return _Look(alias, why, (), gates, trouble=trouble or error)
        gates = (*assess_alarms(plan.alarms, self.release.alarms, alarms, plan.ignored), *judged)
        return _Look(alias, why, alarms, gates, trouble=trouble)

    def _judge(self) -> tuple[tuple[GateResult, ...], LambdaOpsError | None]:
        """What the metrics say; a period of both versions that has settled is journaled, and counts from then on."""
        plan, now = self.release.plan, self._now()
        since = self.release.sums.until or self.release.opened.at
        try:
            seen = look_at_metrics(self.recorder.ports, self.target, plan, since, now)
        except AwsError as error:
            return (*blind(plan.comparisons, error.message), *unread(plan.metrics, error.message)), error
        settled = list(itertools.takewhile(lambda period: period.closed, seen.periods))
        self._record_facts([Judged(period.at, period.length, rows_of(plan.comparisons, period)) for period in settled])
        at, early, stage = place(self.release.state), None, None
        if isinstance(at, Baking):
            stage = at.entered_at, plan.stages[at.stage].weight
            if plan.adaptive and at.stage + 1 < len(plan.stages):
                early = Early(at.entered_at, plan.stages[at.stage + 1].weight / FULL)
        judged = (
            blind(plan.comparisons, seen.trouble.message)
            if seen.trouble
            else assess(plan.comparisons, self.release.sums, seen.periods[len(settled) :], early)
        )
        return (*judged, *assess_metrics(plan.metrics, seen.readings, now, stage)), seen.trouble

    def _reconciled(self, look: _Look) -> bool:
        """Settle a write whose end is unknown, if this look shows that it is in effect."""
        pending = self.release.pending
        if pending is None or look.alias is None or look.alias.routing != pending.desired:
            return False
        if look.alias.revision == pending.revision:  # a late read: every write that lands changes the revision
            return False
        self._record(Landed(pending.op, pending.desired, look.alias.revision, reconciled=True))
        return True

    def _overtaken(self, look: _Look) -> bool:
        """Settle a first write whose end is unknown, if the alias was written since and it is not in effect.

        AWS refuses it from then on. Later writes are left open: what the alias reads tells enough about them.
        """
        pending = self.release.pending
        if pending is None or look.alias is None or not isinstance(place(self.release.state), Ready):
            return False
        if look.alias.revision == pending.revision or look.alias.routing == pending.desired:
            return False
        self._record(Failed(pending.op, "overtaken", "the alias was written by somebody else since", settled=True))
        return True

    def _record_if_changed(self, look: _Look) -> None:
        lasting = tuple(replace(gate, detail="", waits_for="") for gate in look.gates)
        seen = Observed(look.alias.routing if look.alias else None, look.alarms, lasting)
        if seen != self._seen and not isinstance(self.release.state, Reverting):
            self._record(seen)
            self._seen = seen

    def _observation(self, look: _Look, fault: Fault | None, asked: Signalled | None) -> Observation:
        denied = look.locked_out or (self.error if fault and isinstance(self.error, AwsError) else None)
        locked_out = denied is not None and denied.locked_out
        if locked_out:
            self.error = denied
        return Observation(
            now=self._now(),
            alias=look.alias.routing if look.alias else None,
            gates=look.gates,
            signal=asked.signal if asked else None,
            signal_reason=asked.reason if asked else "",
            lasts=asked.lasts if asked else None,
            fault=fault,
            stale=look.alias is not None and look.alias.revision == self.release.replaced,
            blind=look.blind,
            unsettled=self.release.pending is not None,
            undone=self.release.undone is not None,
            locked_out=locked_out,
        )

    # -- hear ------------------------------------------------------------------------------------------------------

    def _listen(self) -> bool:
        """Take in what was asked since; True when there is something new to look at.

        Raises:
            InvalidFileError: the journal cannot be read any more; going back and stopping do not depend on it.
        """
        signals = self.recorder.ports.signals
        pressed = signals.pending()
        if pressed is not None and pressed != self._signal:
            self._signal = pressed
            self._record(Signalled(*pressed))
        try:
            entries = self.recorder.journal.since(self.heard)
        except UNREADABLE_JOURNAL:
            if isinstance(self.release.state, Reverting | Done | Held):
                return bool(self.release.asked)
            raise
        elsewhere = False
        for entry in entries:
            self.heard = entry.seq or self.heard
            if entry.seq in self._own:
                self._own.discard(entry.seq)
            elif isinstance(entry.event, RolledBack):
                elsewhere = True
                self._fold(entry)
            elif isinstance(entry.event, Signalled) and entry.release == self.release.id:
                self.recorder.ports.sink.emit(entry)
                self._fold(entry)
        return elsewhere or bool(self.release.asked)

    def _most_urgent(self) -> Signalled | None:
        """A rollback if anybody asked for one, else what was asked for last."""
        asked = self.release.asked
        chosen = next((entry for entry in asked if wants_rollback(entry)), asked[-1] if asked else None)
        return chosen.event if chosen is not None and isinstance(chosen.event, Signalled) else None

    def _answer(self, state: State, reason: str, asked: Signalled) -> None:
        """One record for everything that was asked so far, together with the state it led to."""
        answered = max(entry.seq or 0 for entry in self.release.asked)
        self.error = None  # from here on the release goes where a person sent it, not where an error did
        if same(state, self.release.state):
            reason = f"{asked.signal.value} changes nothing now ({phase(state)}): {reason}"
        self._record(Decided(state, reason, answered))

    # -- act -------------------------------------------------------------------------------------------------------

    def _adopt(self, state: State, reason: str) -> None:
        if same(state, self.release.state):
            self.release = replace(self.release, state=state)
        else:
            self._record(Decided(state, reason))

    def _write(self, look: _Look, action: SetRouting) -> None:
        revision = look.alias.revision if look.alias else self.release.revision
        before = look.alias.routing if look.alias else None
        op = self.release.writes + 1
        self._record(Intent(op, before, action.routing, revision, action.reason, action.then))
        functions = self.recorder.ports.functions
        try:
            alias = functions.set_routing(self.target.function, self.target.alias, action.routing, revision)
        except (AliasChangedError, AwsError, NotFoundError) as error:
            self.error = error
            permanent = isinstance(error, NotFoundError) or (isinstance(error, AwsError) and error.permanent)
            self._fault = Fault(error.message, permanent=permanent, conflict=isinstance(error, AliasChangedError))
            self._record(Failed(op, error.code, error.message, error.request_id))
            return
        self._record(Landed(op, alias.routing, alias.revision, request_id=alias.request_id))

    def _wait(self, look: _Look, action: Wait) -> None:
        ports = self.recorder.ports
        now = self._now()
        ports.sink.emit(
            Looked(
                now,
                look.alias.routing if look.alias else None,
                look.gates,
                self.release.state,
                action.reason,
                action.until,
            )
        )
        left = action.until - now
        # Counted in what was slept, not by the clock: one that is set back must not prolong the wait.
        while left > timedelta():
            step = min(left, _LISTEN_EVERY)
            ports.clock.sleep(step)
            left -= step
            self.drive.beat()
            if self._listen():
                return

    # -- journal ---------------------------------------------------------------------------------------------------

    def _record(self, event: Event) -> None:
        """Journal an event and fold it in; going back and stopping do not depend on the journal."""
        if isinstance(self.release.state, Reverting | Done | Held):
            self._fold(self._late.record(event))
            return
        entry = self.recorder.record(event)
        self._heard(entry)
        self._fold(entry)

    def _record_facts(self, events: Sequence[Event]) -> None:
        """Journal what nobody acts on one by one, and fold it in: after days on hold, thousands of periods.

        A part at a time, so that nobody takes a driver for dead while it catches up.
        """
        for first in range(0, len(events), _FACTS_AT_ONCE):
            self.drive.beat()
            for entry in self.recorder.record_all(events[first : first + _FACTS_AT_ONCE]):
                self._heard(entry)
                self._fold(entry)

    def _heard(self, entry: Entry) -> None:
        """A record of ours is no news."""
        if entry.seq == self.heard + 1:
            self.heard += 1
        elif entry.seq is not None:  # others have written before us, and are still to be heard
            self._own.add(entry.seq)

    def _fold(self, entry: Entry) -> None:
        self.release = advance(self.release, entry)

    def _now(self) -> datetime:
        return self.recorder.ports.clock.now()
