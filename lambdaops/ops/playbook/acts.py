"""The steps that are no commands: looks, waits, a call of a function, a call of AWS, a line for the record.

Rules this file guarantees: a wait ends when it is asked to, or when its time is over; what is kept of an answer is what
was selected, and never a function's variables; no data is never success.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from lambdaops.core.duration import format_duration, parse_duration
from lambdaops.core.errors import AwsError, ExitCode, InvalidExpressionError, LambdaOpsError, StepRefusedError
from lambdaops.core.model import AlarmState, Target
from lambdaops.core.playbook.builtin import ALLOWED_CALLS, SECRET_KEYS
from lambdaops.core.playbook.templates import is_true
from lambdaops.core.playbook.uses import Result
from lambdaops.ops.playbook.hearing import Hearing
from lambdaops.ports.playbooks import PlaybookPorts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from lambdaops.core.model import AlarmReading
    from lambdaops.core.playbook.book import Json

_MOMENT = timedelta(milliseconds=500)
_LOOK_EVERY = timedelta(seconds=5)
_WITHIN = "10m"
_STOPPED = int(ExitCode.INTERRUPTED)
_MOST_EVENT = 6_000_000


@dataclass(frozen=True)
class Acts:
    """Does one of them; what is expected to go wrong is in the result."""

    ports: PlaybookPorts
    hearing: Hearing

    def perform(self, name: str, given: Mapping[str, Json]) -> Result:
        """Do it."""
        acts: dict[str, Callable[[Mapping[str, Json]], Result]] = {
            "check": self._check,
            "wait-for": self._wait_for,
            "assert": _assert,
            "invoke": self._invoke,
            "aws": self._ask,
            "note": _note,
        }
        try:
            return acts[name](given)
        except LambdaOpsError as error:
            unsure = isinstance(error, AwsError) and error.ambiguous
            return Result(int(error.exit_code), error.message, error=error.code, unsure=unsure)

    # -- looks ---------------------------------------------------------------------------------------------------------

    def _check(self, given: Mapping[str, Json]) -> Result:
        names, found, missing = self._alarms(given)
        in_alarm = [name for name, reading in found.items() if reading.state is AlarmState.ALARM]
        no_data = [name for name, reading in found.items() if reading.state is AlarmState.INSUFFICIENT_DATA]
        bad = [
            text
            for text, group in (("in ALARM", in_alarm), ("missing", missing), ("without data", no_data))
            for text in ([f"{', '.join(group)} {'is' if len(group) == 1 else 'are'} {text}"] if group else [])
        ]
        outputs: dict[str, Json] = {
            "ok": not bad,
            "alarms": _states(found),
            "in_alarm": [*in_alarm],
            "missing": [*missing],
            "no_data": [*no_data],
        }
        message = "; ".join(bad) or f"{', '.join(names) or 'no alarm'}: OK"
        fails = given.get("fail") is not False
        return Result(int(ExitCode.HELD) if bad and fails else 0, message, outputs, "check-failed" if bad else "")

    def _alarms(self, given: Mapping[str, Json]) -> tuple[tuple[str, ...], dict[str, AlarmReading], list[str]]:
        """The names that were given, what there is of them, and what is missing."""
        names = _names(given["alarms"])
        found = {reading.name: reading for reading in self.ports.alarms.read_alarms(names)}
        return names, found, [name for name in names if name not in found]

    def _ask(self, given: Mapping[str, Json]) -> Result:
        service, call = str(given["service"]), str(given["call"])
        if call not in ALLOWED_CALLS.get(service, ()):
            raise StepRefusedError(f"{service} {call} may not be called: only what reads may")
        parameters = given.get("parameters") or {}
        if not isinstance(parameters, dict):
            raise StepRefusedError("aws: parameters takes a mapping")
        answer = _without_secrets(self.ports.answers.ask(service, call, parameters))
        return Result(0, f"{service} {call} answered", {"answer": self._selected(given, answer)})

    def _selected(self, given: Mapping[str, Json], answer: Json) -> Json:
        select = given.get("select")
        return self.ports.language.evaluate(select, answer) if isinstance(select, str) else answer

    # -- a function ----------------------------------------------------------------------------------------------------

    def _invoke(self, given: Mapping[str, Json]) -> Result:
        target = Target.parse(str(given["target"]))
        payload = json.dumps(given.get("payload"), ensure_ascii=False).encode()
        if len(payload) > _MOST_EVENT:
            raise StepRefusedError(f"{len(payload)} bytes are more than an invocation takes ({_MOST_EVENT})")
        answer = self.ports.answers.invoke(target.function, target.alias, payload)
        outputs: dict[str, Json] = {
            "request": answer.request,
            "version": answer.version,
            "error": answer.what or answer.error,
            "selected": None,
        }
        if answer.error:
            code = 0 if given.get("fail") is False else int(ExitCode.HELD)
            return Result(code, f"{target} failed: {answer.what or answer.error}", outputs, "failed" if code else "")
        try:
            outputs["selected"] = self._selected(given, answer.body) if given.get("select") else None
        except InvalidExpressionError as error:
            # Not as a mistake in what it was given: it was called.
            return Result(int(ExitCode.HELD), f"{target} answered, and {error.message}", outputs, error.code)
        return Result(0, f"{target} answered (version {answer.version})", outputs)

    # -- waits ---------------------------------------------------------------------------------------------------------

    def _wait_for(self, given: Mapping[str, Json]) -> Result:
        began = self.ports.clock.now()
        if "time" in given:
            end = began + parse_duration(str(given["time"]))
            while self.ports.clock.now() < end:
                if self._stopped():
                    return self._waited(began, _STOPPED, "stopped while waiting")
                self.ports.clock.sleep(min(_MOMENT, end - self.ports.clock.now()))
            return self._waited(began, 0, f"waited {given['time']}")
        if "queue" not in given and "alarms" not in given:
            raise StepRefusedError("wait-for takes one of time, alarms and queue, and was given none")
        within = parse_duration(str(given.get("within", _WITHIN)))
        lasting = parse_duration(str(given.get("for", "0s")))
        good_since = None
        blind: AwsError | None = None
        look_at = began
        what, outputs = "", dict[str, "Json"]()
        while True:
            now = self.ports.clock.now()
            if now >= look_at:
                try:
                    (good, what, outputs), blind = self._looked(given), None
                except AwsError as error:
                    if error.permanent:
                        raise
                    good, what, blind = False, error.message, error  # the next look may see more
                good_since = (good_since or now) if good else None
                look_at = now + _LOOK_EVERY
            if good_since is not None and now - good_since >= lasting:
                return self._waited(began, 0, what, outputs)
            if now - began >= within:
                if blind is not None:
                    raise blind
                return self._waited(began, int(ExitCode.HELD), f"{what} after {format_duration(within)}", outputs)
            if self._stopped():
                return self._waited(began, _STOPPED, f"stopped while waiting: {what}", outputs)
            self.ports.clock.sleep(_MOMENT)

    def _looked(self, given: Mapping[str, Json]) -> tuple[bool, str, dict[str, Json]]:
        """Whether it is as it should be, in words, and what is told of it."""
        if "queue" in given:
            queue = self.ports.queues.find(str(given["queue"]))
            most = given.get("at-most", 0)
            if not isinstance(most, int):
                raise StepRefusedError("wait-for: at-most takes a number")
            return queue.total <= most, f"{queue.name} has {queue.total} messages", {"messages": queue.total}
        names, found, missing = self._alarms(given)
        if missing:
            raise StepRefusedError(f"there is no alarm {', '.join(missing)}", hint="Check the name and the region.")
        bad = [f"{name} is {one.state.value}" for name, one in found.items() if one.state is not AlarmState.OK]
        return not bad, ", ".join(bad) or f"{', '.join(names)}: OK", {"alarms": _states(found)}

    def _waited(self, began: datetime, code: int, message: str, outputs: Mapping[str, Json] | None = None) -> Result:
        seconds = round((self.ports.clock.now() - began).total_seconds(), 1)
        error = {0: "", _STOPPED: "interrupted"}.get(code, "waited-in-vain")
        return Result(code, message, {"waited_seconds": seconds, **(outputs or {})}, error)

    def _stopped(self) -> bool:
        return self.hearing.pending() is not None


def _assert(given: Mapping[str, Json]) -> Result:
    if is_true(given["that"]):
        return Result(0, "it is so")
    return Result(int(ExitCode.HELD), str(given.get("message") or "it is not so"), error="assertion-failed")


def _note(given: Mapping[str, Json]) -> Result:
    return Result(0, str(given["message"]), {"message": str(given["message"])})


def _names(value: Json) -> tuple[str, ...]:
    items = value if isinstance(value, list) else [value]
    return tuple(dict.fromkeys(str(item) for item in items))


def _states(found: Mapping[str, AlarmReading]) -> list[Json]:
    return [{"name": name, "state": reading.state.value} for name, reading in found.items()]


def _without_secrets(value: Json) -> Json:
    if isinstance(value, list):
        return [_without_secrets(item) for item in value]
    if isinstance(value, dict):
        return {key: _without_secrets(item) for key, item in value.items() if key not in SECRET_KEYS}
    return value
