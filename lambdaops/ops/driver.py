"""The loop that drives one release: observe, decide, journal the intent, act, journal the outcome, tell, wait.

Rules this file guarantees: the driver remembers nothing that replaying the journal would not give back; an intent is on
disk before its call; without a journal nothing moves forward, but traffic still goes back; a call whose answer was
lost is settled by reading the alias, never by guessing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, assert_never

from lambdaops.core.errors import (
    AliasChangedError,
    AwsError,
    InvalidFileError,
    JournalUnwritableError,
    LambdaOpsError,
    NotFoundError,
)
from lambdaops.core.events import Closed, Decided, Failed, Intent, Landed, Observed, Resumed, Signalled
from lambdaops.core.gates import GateResult, assess_alarms, unreadable
from lambdaops.core.machine import decide, resumed, same
from lambdaops.core.model import AlarmReading, Alias, Target
from lambdaops.core.notices import Looked
from lambdaops.core.replay import Release, advance
from lambdaops.core.states import Done, Fault, Held, Observation, Reverting, SetRouting, Signal, Stop, Wait
from lambdaops.ops.recorder import Recorder

if TYPE_CHECKING:
    from datetime import datetime

    from lambdaops.core.events import Entry, Event
    from lambdaops.core.states import State


@dataclass(frozen=True, slots=True)
class _Look:
    """What one tick saw."""

    alias: Alias | None
    blind: str
    alarms: tuple[AlarmReading, ...]
    gates: tuple[GateResult, ...]


@dataclass(slots=True)
class Driver:
    """Drives ``release`` of ``target`` until it is done or held.

    ``error`` is the last error an alias write met; it tells a caller why a release was refused or is stuck.
    """

    recorder: Recorder
    target: Target
    release: Release
    error: LambdaOpsError | None = None
    _fault: Fault | None = None
    _seen: Observed | None = None
    _signal: tuple[Signal, str] | None = None

    def run(self) -> State:
        """Tick until the release stops.

        Raises:
            JournalUnwritableError, InvalidFileError: the journal failed before anything had moved.
        """
        while True:
            try:
                if self._tick():
                    return self.release.state
            except (JournalUnwritableError, InvalidFileError) as error:
                if not self.release.landed and self.release.pending is None:
                    raise
                # Traffic is split and the log is gone: nothing moves forward any more, everything goes back.
                reason = f"the journal cannot be written: {error.message}"
                self._fold(self.recorder.record_if_possible(Decided(Reverting(reason, self._now()), reason)))

    def resume(self) -> State:
        """Take the release up where the journal says it is, then run."""
        state = resumed(self.release.state, self._now())
        self._record(Resumed(state))
        return self.run()

    def _tick(self) -> bool:
        """One tick; True when there is nothing more to do."""
        look = self._observe()
        fault, self._fault = self._fault, None
        if self._reconciled(look):
            fault = None
        self._record_if_changed(look)
        observation = self._observation(look, fault)
        state, action = decide(self.release.plan, self.release.state, observation)
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
                    self._record(Closed(state.outcome, state.reason))
                return True
            case _:
                assert_never(action)

    # -- observe ---------------------------------------------------------------------------------------------------

    def _observe(self) -> _Look:
        ports = self.recorder.ports
        alias, blind = None, ""
        try:
            alias = ports.functions.get_alias(self.target.function, self.target.alias)
        except (AwsError, NotFoundError) as error:
            blind = error.message
        plan = self.release.plan
        if isinstance(self.release.state, Reverting):
            return _Look(alias, blind, (), ())  # a rollback asks no gate
        try:
            alarms = ports.alarms.read_alarms(plan.alarms)
        except (AwsError, NotFoundError) as error:
            return _Look(alias, blind, (), unreadable(plan.alarms, error.message))
        return _Look(alias, blind, alarms, assess_alarms(plan, self.release.alarms, alarms))

    def _reconciled(self, look: _Look) -> bool:
        """Settle a write whose end is unknown, if this look shows that it is in effect."""
        pending = self.release.pending
        if pending is None or look.alias is None or look.alias.routing != pending.desired:
            return False
        if look.alias.revision == pending.revision:  # a late read: every write that lands changes the revision
            return False
        self._record(Landed(pending.op, pending.desired, look.alias.revision, reconciled=True))
        return True

    def _record_if_changed(self, look: _Look) -> None:
        seen = Observed(look.alias.routing if look.alias else None, look.alarms, look.gates)
        if seen != self._seen and not isinstance(self.release.state, Reverting):
            self._record(seen)
            self._seen = seen

    def _observation(self, look: _Look, fault: Fault | None) -> Observation:
        asked = self.recorder.ports.signals.pending()
        if asked is not None and asked != self._signal:
            self._record(Signalled(*asked))
            self._signal = asked
        return Observation(
            now=self._now(),
            alias=look.alias.routing if look.alias else None,
            gates=look.gates,
            signal=asked[0] if asked else None,
            signal_reason=asked[1] if asked else "",
            fault=fault,
            stale=look.alias is not None and look.alias.revision == self.release.replaced,
            blind=look.blind,
            unsettled=self.release.pending is not None,
        )

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
        self._record(Landed(op, alias.routing, alias.revision))

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
        ports.clock.sleep(max(action.until - now, timedelta()))

    # -- journal ---------------------------------------------------------------------------------------------------

    def _record(self, event: Event) -> None:
        """Journal an event and fold it in; going back and stopping do not depend on the journal."""
        must = not isinstance(self.release.state, Reverting | Done | Held)
        self._fold(self.recorder.record(event) if must else self.recorder.record_if_possible(event))

    def _fold(self, entry: Entry) -> None:
        self.release = advance(self.release, entry)

    def _now(self) -> datetime:
        return self.recorder.ports.clock.now()
