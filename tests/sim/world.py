"""The simulated AWS account: one function, its versions and alias, its alarms; refuses what AWS refuses.

Verbs say what happens (``breach``, ``repoint_alias``); ``fail`` makes the next calls of an operation fail, before or
after they took effect. Every write is recorded.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from lambdaops.core.errors import AliasChangedError, FunctionChangedError, LambdaOpsError, NotFoundError, RejectedError
from lambdaops.core.model import (
    AlarmKind,
    AlarmReading,
    AlarmState,
    Alias,
    EventSource,
    Permission,
    Provisioned,
    Routing,
    Version,
)
from lambdaops.core.series import Period, Point, Reading
from lambdaops.ports.logs import LogOf, LogRead
from lambdaops.ports.metrics import History, MetricsSeen, Watched
from tests.sim.clock import SimClock
from tests.sim.traffic import Traffic, floor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lambdaops.ports import Code
    from lambdaops.ports.metrics import Compared, Versions

ACCOUNT = "111122223333"
ARN = f"arn:aws:lambda:eu-central-1:{ACCOUNT}:function:orders"


@dataclass
class Failure:
    """An error for the next ``times`` calls; ``after`` lets the call take effect first."""

    error: LambdaOpsError
    times: int
    after: bool


@dataclass
class World:
    """Implements Functions, Alarms, Metrics, Logs and Identity.

    ``measured`` are metrics by the gate that watches them: their value at a time. ``watched`` is what was asked last.
    ``logged`` is what versions log, and ``logs_asked`` who was asked for it.
    """

    clock: SimClock = field(default_factory=SimClock)
    routing: Routing = field(default_factory=lambda: Routing("1"))
    versions: dict[str, Version] = field(default_factory=dict)
    latest: Version = field(default_factory=lambda: version("$LATEST", code="code-2"))
    alarms: dict[str, AlarmReading] = field(default_factory=dict)
    mappings: list[EventSource] = field(default_factory=list)
    policy: list[Permission] = field(default_factory=list)
    concurrency: Provisioned | None = None
    writes: list[Routing] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    revision: int = 1
    lag: int = 0
    on_call: Callable[[str], None] | None = None
    update_takes: float = 2
    update_ends: Version = field(default_factory=lambda: version("$LATEST"))
    version_takes: float = 3
    version_ends: Version = field(default_factory=lambda: version("new"))
    account: str = ACCOUNT
    traffic: Traffic = field(default_factory=lambda: Traffic(Routing("1")))
    measured: dict[str, Callable[[datetime], float | None]] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    watched: list[Watched] = field(default_factory=list)
    logged: LogRead = field(default_factory=LogRead)
    logs_asked: list[tuple[LogOf, datetime, datetime, timedelta]] = field(default_factory=list)
    _old: Alias | None = None
    _failures: dict[str, list[Failure]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.versions = self.versions or {n: version(n, code=f"code-{n}") for n in ("1", "2", "3")}

    # -- verbs -----------------------------------------------------------------------------------------------------

    def alarm(self, name: str, state: AlarmState = AlarmState.OK, kind: AlarmKind = AlarmKind.METRIC) -> None:
        """An alarm exists, in this state since an hour ago."""
        self.alarms[name] = AlarmReading(name, kind, state, self.clock.now() - timedelta(hours=1))

    def turn(self, name: str, state: AlarmState) -> None:
        """The alarm changes state now."""
        self.alarms[name] = replace(self.alarms[name], state=state, changed_at=self.clock.now())

    def breach(self, name: str) -> None:
        self.turn(name, AlarmState.ALARM)

    def delete_alarm(self, name: str) -> None:
        del self.alarms[name]

    def flap(self, name: str) -> None:
        """Into ALARM and back to OK before anybody looks."""
        self.breach(name)
        self.turn(name, AlarmState.OK)

    def repoint_alias(self, routing: Routing) -> None:
        """Somebody else writes the alias."""
        self.routing = routing
        self.revision += 1

    def fail(self, call: str, error: LambdaOpsError, times: int = 1, *, after: bool = False) -> None:
        """The next ``times`` calls of this operation fail."""
        self._failures.setdefault(call, []).append(Failure(error, times, after))

    def before_call(self, call: str, hook: Callable[[], None]) -> None:
        """Something happens just before AWS sees the next call of this operation."""

        def on_call(name: str) -> None:
            if name == call:
                self.on_call = None
                hook()

        self.on_call = on_call

    def heal(self) -> None:
        self._failures.clear()

    # -- Aliases ---------------------------------------------------------------------------------------------------

    def get_alias(self, function: str, alias: str) -> Alias:
        self._call("get_alias")
        if function != "orders" or alias != "live":
            raise NotFoundError(f"{function}:{alias} does not exist", hint="Check the name and the region.")
        if self.lag and self._old:
            self.lag -= 1
            return self._old
        return self._alias()

    def set_routing(self, function: str, alias: str, routing: Routing, revision: str) -> Alias:
        failure = self._call("set_routing", later=True)
        assert (function, alias) == ("orders", "live")
        if revision != f"rev-{self.revision}":
            raise AliasChangedError("the alias was changed since it was read")
        if routing.additional == routing.primary or not 0 <= routing.weight < 10_000:
            raise RejectedError(f"bad routing {routing}")
        for number in (routing.primary, routing.additional):
            if number is not None and number not in self.versions:
                raise NotFoundError(f"version {number} does not exist")
        self._old = self._alias()
        self.routing = routing
        self.traffic.moved.append((self.clock.now(), routing))
        self.revision += 1
        self.writes.append(routing)
        if failure is not None:
            raise failure.error
        return replace(self._alias(), request_id=f"req-{self.revision}")

    def _alias(self) -> Alias:
        return Alias(f"{ARN.replace(ACCOUNT, self.account)}:live", self.routing, f"rev-{self.revision}")

    # -- the rest of Functions -------------------------------------------------------------------------------------

    def get_version(self, function: str, qualifier: str | None = None) -> Version:
        self._call("get_version")
        if function != "orders" or (qualifier is not None and qualifier not in self.versions):
            raise NotFoundError(f"{function}:{qualifier} does not exist")
        return self.latest if qualifier is None else self.versions[qualifier]

    def list_versions(self, function: str) -> Sequence[Version]:
        self._call("list_versions")
        return [self.versions[number] for number in sorted(self.versions, key=int)]

    def event_sources(self, function: str) -> Sequence[EventSource]:
        self._call("event_sources")
        return self.mappings

    def permissions(self, function: str) -> Sequence[Permission]:
        self._call("permissions")
        return self.policy

    def provisioned(self, function: str, alias: str) -> Provisioned | None:
        self._call("provisioned")
        return self.concurrency

    def update_code(self, function: str, code: Code, revision: str) -> Version:
        failure = self._call("update_code", later=True)
        if revision != self.latest.revision:
            raise FunctionChangedError("the function was changed")
        sha = self.sha(code)
        self.latest = replace(self.latest, code_sha256=sha, update="InProgress", revision=self._bump(self.latest))
        self.clock.after(self.update_takes, self.settle)
        if failure is not None:
            raise failure.error
        return self.latest

    def settle(self) -> None:
        """The update in progress completes; the revision changes again, as on AWS."""
        self.latest = self._ended(self.latest, self.update_ends, self._bump(self.latest))

    def publish_version(self, function: str, code_sha256: str, revision: str, description: str) -> Version:
        failure = self._call("publish_version", later=True)
        assert self.latest.update != "InProgress", "AWS answers 409 here"
        if code_sha256 != self.latest.code_sha256 or revision != self.latest.revision:
            raise FunctionChangedError("the function was changed")
        last = self.versions[max(self.versions, key=int)]
        if (last.code_sha256, last.config_sha256) != (self.latest.code_sha256, self.latest.config_sha256):
            number = str(int(last.number) + 1)
            last = replace(self.latest, number=number, state="Pending", description=description)
            self.versions[number] = last
            self.clock.after(self.version_takes, lambda: self.activate(number))
        if failure is not None:
            raise failure.error
        return last

    def activate(self, number: str) -> None:
        if self.versions[number].state == "Pending":
            pending = self.versions[number]
            self.versions[number] = self._ended(pending, self.version_ends, pending.revision)

    @staticmethod
    def _ended(was: Version, how: Version, revision: str) -> Version:
        """The version as it was, with the state and the update of ``how``."""
        return replace(
            was,
            state=how.state,
            state_reason=how.state_reason,
            state_reason_code=how.state_reason_code,
            update=how.update,
            update_reason=how.update_reason,
            update_reason_code=how.update_reason_code,
            revision=revision,
        )

    def change_config(self) -> None:
        """Somebody changes memory or environment of the unpublished function."""
        bumped = self._bump(self.latest)
        self.latest = replace(self.latest, config_sha256=f"config-{bumped}", revision=bumped)

    def change_code(self) -> None:
        """Somebody uploads other code; their update has already settled."""
        bumped = self._bump(self.latest)
        self.latest = replace(self.latest, code_sha256=f"theirs-{bumped}", revision=bumped)

    @staticmethod
    def sha(code: Code) -> str:
        return base64.b64encode(hashlib.sha256(code.zip or repr(code).encode()).digest()).decode()

    @staticmethod
    def _bump(of: Version) -> str:
        return f"f-{int(of.revision.removeprefix('f-') or 0) + 1}"

    # -- Alarms and Identity ---------------------------------------------------------------------------------------

    def read_alarms(self, names: Sequence[str]) -> tuple[AlarmReading, ...]:
        if not names:
            return ()
        self._call("read_alarms")
        return tuple(self.alarms[name] for name in names if name in self.alarms)

    # -- Metrics ---------------------------------------------------------------------------------------------------

    def look(self, compared: Compared | None, watched: Sequence[Watched], now: datetime) -> MetricsSeen:
        self._call("look")
        self.watched = list(watched)
        periods = self._compared(compared, now) if compared else ()
        return MetricsSeen(periods, {gate.name: self._measured(gate, now) for gate in watched})

    def _compared(self, asked: Compared, now: datetime) -> tuple[Period, ...]:
        period, versions = asked.period, asked.versions
        found, at = [], floor(asked.since, period)
        while at <= now:
            stable, candidate = (self.traffic.counts(at, one, period) for one in (versions.stable, versions.candidate))
            found.append(Period(at, period, stable, candidate, at + 3 * period <= now, at + period <= now))
            at += period
        return tuple(found)

    def _measured(self, gate: Watched, now: datetime) -> Reading:
        """One point a period where the metric of this gate's name has a value then; the last one is half a period's."""
        if gate.name in self.unreadable:
            return Reading(trouble=self.unreadable[gate.name])
        values, at, found = self.measured.get(gate.name), floor(now - gate.over, gate.period), []
        while at <= now:
            value = values(at) if values is not None else None
            if value is not None:
                found.append(Point(at, value, at + 3 * gate.period <= now))
            at += gate.period
        return Reading(tuple(found))

    def history(self, asked: Versions, period: timedelta, since: datetime, now: datetime) -> History:
        self._call("history")
        periods, at = [], floor(since, period)
        while at + 3 * period <= now:
            periods.append((at, self.traffic.counts(at, asked.stable, period)))
            at += period
        total = sum(counts.requests for _, counts in periods)
        return History(tuple(periods), total or self.traffic.past_alias, total or self.traffic.past_function)

    def errors(self, log: LogOf, since: datetime, until: datetime, within: timedelta) -> LogRead:
        self._call("errors")
        self.logs_asked.append((log, since, until, within))
        return self.logged

    def caller(self) -> str:
        self._call("caller")
        return f"arn:aws:sts::{self.account}:assumed-role/oncall/ada"

    def _call(self, name: str, *, later: bool = False) -> Failure | None:
        if self.on_call is not None:
            self.on_call(name)
        self.calls.append(name)
        queue = self._failures.get(name, [])
        while queue and queue[0].times == 0:
            queue.pop(0)
        if not queue:
            return None
        failure = queue[0]
        failure.times -= 1
        if failure.after and later:
            return failure
        raise failure.error


def version(number: str, code: str = "code", role: str = "arn:aws:iam::111122223333:role/orders") -> Version:
    """A healthy version."""
    return Version(
        number, "Active", code, role, revision="f-1", config_sha256="config", arn=ARN, description=f"build {number}"
    )
