"""EventBridge: one CloudEvent on a bus."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambdaops.aws.faults import translating
from lambdaops.aws.session import Session
from lambdaops.core.errors import NotToldError
from lambdaops.core.messages import SOURCE, cloud_event, event_type, resources
from lambdaops.core.notifications import EventBridgeChannel

if TYPE_CHECKING:
    from lambdaops.core.messages import Said


@dataclass(frozen=True)
class EventBus:
    """Implements ports.Notifier."""

    session: Session
    channel: EventBridgeChannel

    def tell(self, message: Said) -> None:
        """Put it on the bus: DetailType and Source as in the CloudEvent, which is the detail."""
        with translating(f"tell {self.channel}"):
            answer = self.session.buses(self.channel.region).put_events(
                Entries=[
                    {
                        "EventBusName": self.channel.bus,
                        "Source": SOURCE,
                        "DetailType": event_type(message),
                        "Time": message.at,
                        "Resources": resources(message),
                        "Detail": json.dumps(cloud_event(message)),
                    }
                ]
            )
        # PutEvents answers 200 for an event that it did not take, and says so in the entry (EventBridge API reference).
        if answer.get("FailedEntryCount", 0):
            entry = (answer.get("Entries") or [{}])[0]
            said = (entry.get("ErrorCode", ""), entry.get("ErrorMessage", ""))
            raise NotToldError(
                f"{self.channel} did not take it: {': '.join(filter(None, said)) or 'it says not why'}",
                hint="Check the bus, and whether its policy lets you put events.",
            )
