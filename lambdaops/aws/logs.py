"""CloudWatch Logs: what a version wrote when it failed.

Rules this file guarantees: no answer within the time that was given is an answer too: whoever asks goes on; only the
streams of the version that was asked for are read; what could not be read is said, never raised.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from lambdaops.aws.faults import translating
from lambdaops.aws.session import Session
from lambdaops.core.errors import LambdaOpsError
from lambdaops.ports.logs import LogRead

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambdaops.ports.logs import LogOf

_MOST = 2_000
"""Events that are enough to know what fails most."""
_MOST_DAYS = 4
_PAGE = 1_000
# What the runtimes write before an error, and what loggers do; words of a filter are case-sensitive and "?" means any
# of them (CloudWatch Logs user guide, "Filter pattern syntax"). What is no error after all is sorted out later.
_PATTERN = '?ERROR ?Error ?error ?Exception ?CRITICAL ?FATAL ?fatal ?Traceback ?"timed out" ?timeout ?"exited"'


@dataclass(slots=True)
class _Found:
    """What a thread has found so far."""

    events: list[str] = field(default_factory=list)
    trouble: str = ""
    over: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class CloudWatchLogs:
    """Implements ports.logs.Logs."""

    session: Session

    def errors(self, log: LogOf, since: datetime, until: datetime, within: timedelta) -> LogRead:
        """Ask in a thread of its own, because neither a name server nor a handshake keeps to a time."""
        found = _Found()
        stop = threading.Event()
        reader = threading.Thread(target=self._read, args=(log, since, until, found, stop), name="logs", daemon=True)
        reader.start()
        whole = found.over.wait(within.total_seconds())
        stop.set()
        trouble = found.trouble if whole else f"the log was not read to its end within {within.total_seconds():g} s"
        return LogRead(tuple(found.events), trouble)

    def _read(self, log: LogOf, since: datetime, until: datetime, found: _Found, stop: threading.Event) -> None:
        try:
            with translating(f"read {log.group}"):
                for prefix in _prefixes(log, since, until):
                    self._stream(log.group, prefix, since, until, found, stop)
        except LambdaOpsError as error:
            found.trouble = error.message
        found.over.set()

    def _stream(
        self, group: str, prefix: str, since: datetime, until: datetime, found: _Found, stop: threading.Event
    ) -> None:
        request: dict[str, Any] = {
            "logGroupName": group,
            "logStreamNamePrefix": prefix,
            "startTime": _milliseconds(since),
            "endTime": _milliseconds(until),
            "filterPattern": _PATTERN,
            "limit": _PAGE,
        }
        client = self.session.logs()
        while not stop.is_set():
            if len(found.events) >= _MOST:
                found.trouble = f"there are more than {_MOST} events"
                return
            answer = client.filter_log_events(**request)
            found.events += [event.get("message", "") for event in answer.get("events", [])]
            if not answer.get("nextToken"):
                return
            request["nextToken"] = answer["nextToken"]


def _prefixes(log: LogOf, since: datetime, until: datetime) -> Iterator[str]:
    """The beginnings of the version's stream names, one a day, the newest first.

    A stream is an execution environment's, and has the day on which that began: the day before counts as well. Names
    are ``YYYY/MM/DD/[VERSION]ID``, in a group of one's own ``YYYY/MM/DD/FUNCTION[VERSION]ID`` (Lambda developer guide,
    "Configuring CloudWatch log groups").
    """
    name = "" if log.group == f"/aws/lambda/{log.function}" else log.function
    day, first = until.date(), (since - timedelta(days=1)).date()
    for _ in range(_MOST_DAYS):
        if day < first:
            return
        yield f"{day:%Y/%m/%d}/{name}[{log.version}]"
        day -= timedelta(days=1)


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
