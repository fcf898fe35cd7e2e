"""Whether SQS's own move task does exactly what a plan asks for."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from lambdaops.core.dlq.plan import ALL

if TYPE_CHECKING:
    from lambdaops.core.dlq.plan import RedrivePlan

FASTEST = 500
"""Messages a second: SQS API reference, StartMessageMoveTask, MaxNumberOfMessagesPerSecond."""


def unfit(plan: RedrivePlan, sources: tuple[str, ...]) -> str:
    """Why SQS's own move does not serve; empty when it does.

    It takes what SQS's redrive policies moved, all of it, to where it came from or to one queue; it heeds nothing while
    it runs, and stops late. SQS guide, *Configure a dead-letter queue redrive*; StartMessageMoveTask.
    """
    if not sources:
        return "this is no SQS queue's dead-letter queue"
    if plan.to and ":sqs:" not in plan.to:
        return "it moves to queues only"
    for asked, what in (
        (plan.filter, "filter"),
        (plan.transform or plan.edit, "change messages"),
        (plan.older_than is not None or plan.newer_than is not None, "choose by age"),
        (plan.limit, "stop after so many messages"),
        (plan.quarantine, "set aside what has nowhere to go"),
        (plan.stop_alarms, "stop for an alarm"),
        (plan.stages != (ALL,), "go by stages"),
    ):
        if asked:
            return f"it cannot {what}"
    if plan.rate is not None and per_second(plan) is None:
        return f"its rate is whole messages a second, 1 to {FASTEST}"
    return ""


def per_second(plan: RedrivePlan) -> int | None:
    """The plan's rate as SQS takes it; None when it has no such rate."""
    if plan.rate is None:
        return None
    rate = plan.rate.count * timedelta(seconds=1) / plan.rate.per
    return int(rate) if rate == int(rate) and 1 <= rate <= FASTEST else None
