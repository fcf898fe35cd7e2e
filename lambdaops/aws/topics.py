"""SNS: one message to a topic, in the form that each kind of subscriber reads."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambdaops.aws.faults import translating
from lambdaops.aws.session import Session
from lambdaops.core.messages import attributes, cloud_event, headline, plain_text, subject
from lambdaops.core.notifications import SnsChannel

if TYPE_CHECKING:
    from lambdaops.core.messages import Said


@dataclass(frozen=True)
class SnsTopic:
    """Implements ports.Notifier."""

    session: Session
    channel: SnsChannel

    def tell(self, message: Said) -> None:
        """Publish it: a CloudEvent to machines, text to people; the attributes are for filter policies."""
        forms = {
            "default": json.dumps(cloud_event(message)),
            "email": plain_text(message),
            "sms": headline(message),
        }
        with translating(f"tell {self.channel}"):
            self.session.topics(self.channel.region).publish(
                TopicArn=self.channel.topic,
                Subject=subject(message),
                Message=json.dumps(forms),
                MessageStructure="json",
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value} for name, value in attributes(message).items()
                },
            )
