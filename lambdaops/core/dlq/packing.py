"""What SQS and Lambda take, and how messages are put into batches.

Limits: ten entries, 1 MiB a message and a batch, ten attributes, characters (SQS API reference, SendMessage and
SendMessageBatch); 1 MB an asynchronous event (Lambda guide, *Lambda quotas*). ``AWSTraceHeader`` does not count.

Rules this file guarantees: every message that ``problem`` passes is in exactly one batch, in the order given; no batch
is over the limits; no round has two messages of one group, so that a failed message can stop its group and no other.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lambdaops.core.dlq.letter import Attribute, Outgoing

MOST: Final = 10
"""Entries in a batch, and attributes of a message."""
LARGEST: Final = 1_048_576
"""Bytes of a message, and of all messages of a batch."""
LARGEST_EVENT: Final = 1_048_576
"""Bytes of an event for an asynchronous invocation. AWS writes 1 MB: the larger reading of it, because the events here
were taken by Lambda once; Lambda itself refuses what is over the smaller one, if that is what it means."""

_REFUSED = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ATTRIBUTE_NAME = re.compile(r"(?!aws\.|amazon\.)(?!\.)(?!.*\.\.)[A-Za-z0-9_.-]{1,256}(?<!\.)", re.IGNORECASE)
_ATTRIBUTE_TYPE = re.compile(r"(String|Number|Binary)(\.[\x20-\x7e]+)?")
_LONGEST_TYPE = 256
# Up to 38 digits of precision: SQS guide, *Amazon SQS message attributes*.
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
# "alphanumeric characters and punctuation": SQS API reference, SendMessage, MessageGroupId.
_LABEL = re.compile(r"[\x21-\x7e]{1,128}")


def size(message: Outgoing) -> int:
    """Bytes that SQS counts: body, and name, type and value of every attribute."""
    return _bytes(message.body) + sum(
        _bytes(name) + _bytes(one.type) + _bytes(one.value) for name, one in message.attributes.items()
    )


def problem(message: Outgoing, *, fifo: bool, largest: int = LARGEST) -> str:
    """Why SQS would refuse it; empty when it would not. Nothing of the body is repeated.

    ``largest`` is the queue's own limit in bytes (``Queue.max_bytes``).
    """
    if not message.body:
        return "the body is empty, which SQS refuses"
    found = _REFUSED.search(message.body)
    if found:
        return f"character U+{ord(found[0]):04X} at {found.start()} of the body is one that SQS refuses"
    if len(message.attributes) > MOST:
        return f"{len(message.attributes)} attributes, and SQS takes {MOST}"
    for name, attribute in message.attributes.items():
        if said := _attribute(name, attribute):
            return f"attribute {name!r} {said}"
    if fifo and not message.group:
        return "no message group, which a FIFO queue needs"
    for what, label in (("message group", message.group), ("deduplication id", message.deduplication)):
        if label is not None and not _LABEL.fullmatch(label):
            return f"the {what} is not 1-128 letters, digits and punctuation"
    if (total := size(message)) > largest:
        return f"{total} bytes with its attributes, and the queue takes {largest}"
    return ""


def problem_async(payload: str) -> str:
    """Why Lambda would refuse the event of an asynchronous invocation; empty when it would not."""
    total = _bytes(payload)
    return f"{total} bytes, and an asynchronous invocation takes {LARGEST_EVENT}" if total > LARGEST_EVENT else ""


def pack(messages: Iterable[Outgoing]) -> list[tuple[Outgoing, ...]]:
    """Batches in the order given, each as full as the limits let it be."""
    batches: list[tuple[Outgoing, ...]] = []
    batch: list[Outgoing] = []
    filled = 0
    for message in messages:
        more = size(message)
        if batch and (len(batch) == MOST or filled + more > LARGEST):
            batches.append(tuple(batch))
            batch, filled = [], 0
        batch.append(message)
        filled += more
    return [*batches, tuple(batch)] if batch else batches


def rounds(messages: Sequence[Outgoing]) -> list[tuple[Outgoing, ...]]:
    """Messages for a FIFO queue, dealt into calls: the first of every group, then the second of every group, ...

    Within a call SQS may take one message and refuse the one before it; what follows in the group would overtake it.
    Whoever sends a round drops from the later ones the groups of which a message was refused. Each is to be packed.
    """
    dealt: list[list[Outgoing]] = []
    turns: dict[str, int] = {}
    for message in messages:
        group = message.group or message.id
        turn = turns.get(group, 0)
        turns[group] = turn + 1
        if turn == len(dealt):
            dealt.append([])
        dealt[turn].append(message)
    return [tuple(one) for one in dealt]


def _attribute(name: str, attribute: Attribute) -> str:
    if not _ATTRIBUTE_NAME.fullmatch(name):
        return "has a name that SQS refuses"
    if not _ATTRIBUTE_TYPE.fullmatch(attribute.type) or len(attribute.type) > _LONGEST_TYPE:
        return "is neither String nor Number nor Binary"
    if isinstance(attribute.value, bytes) != attribute.type.startswith("Binary"):
        return f"is of type {attribute.type} and has a value of another"
    if not attribute.value:
        return "has no value, which SQS refuses"
    if isinstance(attribute.value, str):
        if _REFUSED.search(attribute.value):
            return "has a character that SQS refuses"
        if attribute.type.startswith("Number") and not _NUMBER.fullmatch(attribute.value):
            return "is of type Number and is no number"
    return ""


def _bytes(value: str | bytes) -> int:
    # Lone surrogates cannot come from SQS; in an edited file they can, and ``problem`` tells of them.
    return len(value) if isinstance(value, bytes) else len(value.encode("utf-8", "surrogatepass"))
