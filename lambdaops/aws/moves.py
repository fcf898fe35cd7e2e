"""SQS's own message move tasks, in our words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from lambdaops.aws.faults import translating
from lambdaops.aws.session import Session
from lambdaops.core.dlq.naming import queue_name
from lambdaops.ports.queues import Move

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_sqs import SQSClient

_NEWEST = 10
"""As many as SQS remembers."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True)
class SqsMoves:
    """Implements ports.queues.Moves; queues are named by ARN."""

    session: Session

    def start(self, source: str, destination: str | None, rate: int | None) -> str:
        """Start moving everything, to where each message came from or to one queue; at most ``rate`` a second.

        The client never tries again: a second task after a lost answer would be refused with "already running".
        """
        request: dict[str, Any] = {"SourceArn": source}
        if destination is not None:
            request["DestinationArn"] = destination
        if rate is not None:
            request["MaxNumberOfMessagesPerSecond"] = rate
        name = queue_name(source).name
        with translating(f"have SQS move the messages of {name}", target=name):
            return self._client(source, sending=True).start_message_move_task(**request)["TaskHandle"]

    def recent(self, source: str) -> tuple[Move, ...]:
        """The newest moves of this queue, newest first."""
        name = queue_name(source).name
        with translating(f"look at SQS's own moves out of {name}", target=name):
            answer = self._client(source).list_message_move_tasks(SourceArn=source, MaxResults=_NEWEST)
        found = [_move(item) for item in answer.get("Results", [])]
        return tuple(sorted(found, key=lambda move: move.started, reverse=True))

    def cancel(self, source: str, handle: str) -> None:
        """Ask it to stop."""
        name = queue_name(source).name
        with translating(f"cancel SQS's own move out of {name}", target=name):
            self._client(source).cancel_message_move_task(TaskHandle=handle)

    def _client(self, source: str, *, sending: bool = False) -> SQSClient:
        return self.session.queues(queue_name(source).region or None, sending=sending)


def _move(item: Mapping[str, Any]) -> Move:
    total = item.get("ApproximateNumberOfMessagesToMove")
    return Move(
        state=item.get("Status", ""),
        moved=int(item.get("ApproximateNumberOfMessagesMoved", 0)),
        total=None if total is None else int(total),
        # Milliseconds: the SQS API reference says "The timestamp of starting the message movement task" as a Long.
        started=_EPOCH + int(item.get("StartedTimestamp", 0)) * _MILLISECOND,
        handle=item.get("TaskHandle", ""),
        why=item.get("FailureReason", ""),
    )
