"""What SQS, KMS behind it, and Lambda's Invoke refuse: which of our errors that is, and what may be repeated of it.

Codes are those of SQS's JSON protocol and, with a prefix or another spelling, of the older query protocol: SQS sends
both, and botocore takes the older one for ``Code``. Texts of move tasks are as AWS gave them on 2024-04-30.
"""

from __future__ import annotations

import re

from lambdaops.core.errors import (
    AccessDeniedError,
    ConflictError,
    LambdaOpsError,
    NotFoundError,
    QueueFullError,
    RejectedError,
    ThrottledError,
)

_PREFIX = "AWS.SimpleQueueService."
_GONE_HINT = (
    "Check the name, the region (--region) and the account; a queue of another account is named by URL or ARN, and "
    "its policy must allow us."
)
_KEY_HINT = "The queue is encrypted: somebody must mend its KMS key before anything can be read or sent."
_BY_CODE: dict[str, tuple[type[LambdaOpsError], str]] = {
    "QueueDoesNotExist": (NotFoundError, _GONE_HINT),
    "NonExistentQueue": (NotFoundError, _GONE_HINT),
    "InvalidAddress": (NotFoundError, _GONE_HINT),
    "QueueDeletedRecently": (ConflictError, "A queue's name is free again a minute after it was deleted."),
    "OverLimit": (
        QueueFullError,
        "Too many of its messages are in flight; those that consumers hold come back after the visibility timeout.",
    ),
    "PurgeQueueInProgress": (ConflictError, "SQS purges a queue once a minute: wait a minute, then run it again."),
    "KmsAccessDenied": (
        AccessDeniedError,
        "The queue is encrypted: the caller needs kms:Decrypt on its key, and kms:GenerateDataKey to send.",
    ),
    "KmsThrottled": (ThrottledError, "KMS's rate is used up; try again in a minute."),
    **dict.fromkeys(
        ("KmsDisabled", "KmsInvalidKeyUsage", "KmsInvalidState", "KmsNotFound", "KmsOptInRequired"),
        (RejectedError, _KEY_HINT),
    ),
    "ReceiptHandleIsInvalid": (
        RejectedError,
        "The message was received again since, or deleted: whoever holds it now decides about it.",
    ),
    "MessageNotInflight": (RejectedError, "The message is not hidden any more: whoever receives it next holds it."),
    "UnsupportedOperation": (RejectedError, "This queue cannot do that; see why above."),
    "InvalidMessageContents": (
        RejectedError,
        "A message has characters that SQS does not take: change them (--transform, --edit) or leave it.",
    ),
    "BatchRequestTooLong": (RejectedError, "The messages of a batch have more than 1 MiB together."),
    "InvalidSecurity": (
        RejectedError,
        "The queue takes HTTPS with a signature of version 4 only: see AWS_ENDPOINT_URL.",
    ),
    # Lambda's Invoke. The text of the first repeats the event.
    "InvalidRequestContentException": (RejectedError, "A function takes JSON only."),
    "RequestTooLargeException": (RejectedError, "An asynchronous event may have 1 MB, a synchronous one 6 MB."),
}
# The query protocol calls KMS's KMS.AccessDeniedException, KMS.NotFoundException, KMS.ThrottlingException ...
_KMS = re.compile(r"KMS\.([A-Za-z]+?)(?:Exception)?")
_KMS_NAMES = {"Throttling": "KmsThrottled"}
_OPERATIONS = {
    "GetQueueUrl",
    "GetQueueAttributes",
    "ListDeadLetterSourceQueues",
    "ReceiveMessage",
    "SendMessageBatch",
    "DeleteMessageBatch",
    "ChangeMessageVisibilityBatch",
    "PurgeQueue",
    "Invoke",
}
_MOVES = {"StartMessageMoveTask", "ListMessageMoveTasks", "CancelMessageMoveTask"}
_MOVE_WORDS: tuple[tuple[str, type[LambdaOpsError], str], ...] = (
    (
        "already a task running",
        ConflictError,
        "SQS moves messages out of this queue already: wait for it, or cancel it.",
    ),
    (
        "must be configured as a Dead Letter Queue",
        RejectedError,
        "SQS itself moves messages only out of the dead-letter queue of another queue: --no-native moves any.",
    ),
    ("Task does not exist", NotFoundError, "It is over, or was never there: see the newest ones of this queue."),
    ("TaskHandle is invalid", NotFoundError, "It is over, or was never there: see the newest ones of this queue."),
)

_REPEATED = re.compile(
    r"Value .*? for parameter (?=ReceiptHandle|MessageBody|MessageAttribute|MessageSystemAttribute|Entries|Payload)"
)
_CAST = re.compile(r"(message \(user\) attribute '[^']*').*")
_VALIDATED = re.compile(r", value: (?!\d+, valid).*?(?=, type:|, valid|$)")
_NOT_JSON = re.compile(r"(Could not parse request body into json)\b.*", re.IGNORECASE)


def queue_fault(operation: str, codes: set[str], said: str) -> tuple[type[LambdaOpsError], str] | None:
    """Our error for a refusal of SQS or of an invocation, and the next step; None when it is nothing of theirs."""
    names = {_plain(code) for code in codes}
    if operation in _MOVES:
        for words, cls, hint in _MOVE_WORDS:
            if words in said:
                return cls, hint
    if operation in _MOVES | _OPERATIONS:
        return next((_BY_CODE[name] for name in sorted(names) if name in _BY_CODE), None)
    return None


def _plain(code: str) -> str:
    """A code of either protocol, as the newer one spells it."""
    if match := _KMS.fullmatch(code):
        return _KMS_NAMES.get(match[1], f"Kms{match[1]}")
    return code.removeprefix(_PREFIX)


def discreet(said: str) -> str:
    """What AWS or botocore says, without the handle, body or value that it repeats."""
    said = _REPEATED.sub("the value of parameter ", said)
    said = _CAST.sub(r"\1", said)
    said = _VALIDATED.sub("", said)
    return _NOT_JSON.sub(r"\1", said)
