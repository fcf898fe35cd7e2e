"""botocore's exceptions turned into our errors, once, in one place.

Rules this file guarantees: every error says what was being done, why it failed and what to do next; the AWS request id
is kept; only botocore's own exceptions are caught, and what escapes from its search for credentials; an error whose
call may have taken effect all the same is ambiguous; no credential, payload or receipt handle that AWS or botocore
repeats in a message gets into ours.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from traceback import walk_tb
from typing import TYPE_CHECKING

from lambdaops.aws.queue_faults import discreet, queue_fault
from lambdaops.core.duration import format_duration
from lambdaops.core.errors import (
    AccessDeniedError,
    AliasChangedError,
    AwsFaultError,
    ConflictError,
    CredentialsExpiredError,
    CredentialsInvalidError,
    CredentialsMissingError,
    FunctionChangedError,
    LambdaOpsError,
    NotFoundError,
    RegionMissingError,
    RejectedError,
    ThrottledError,
    UnreachableError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.exceptions import BotoCoreError, ClientError

_DENIED = {"AccessDeniedException", "AccessDenied", "UnauthorizedOperation", "Forbidden", "UnauthorizedAccess"}
_DENIED |= {"AuthorizationError", "KMSAccessDenied"}  # SNS
_EXPIRED = {"ExpiredTokenException", "ExpiredToken", "RequestExpired", "TokenRefreshRequired"}
_INVALID = {
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "IncompleteSignature",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "AuthFailure",
    "InvalidAccessKeyId",
    "RequestTimeTooSkewed",
    "InvalidIdentityToken",
    "IDPRejectedClaim",
}
# A signature names the minute it was made in; AWS takes it for five (S3: fifteen).
_SIGNED = {"SignatureDoesNotMatch", "InvalidSignatureException", "RequestTimeTooSkewed", "RequestExpired"}
_UNKNOWN_KEY = {"UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId"}
_TOO_EARLY_OR_LATE = ("signature expired", "not yet current", "too skewed", "request has expired")
_OFF = timedelta(minutes=4)
_THROTTLED = {
    "TooManyRequestsException",
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestLimitExceeded",
    "LimitExceededException",
    "Throttled",
    "SlowDown",
    "ProvisionedThroughputExceededException",  # Kinesis
}
_NOT_FOUND = {"ResourceNotFoundException", "ResourceNotFound", "NotFoundException", "NotFound"}
_NOT_FOUND |= {"NoSuchBucket", "NoSuchKey"}  # S3
_CONFLICT = {"ResourceConflictException", "ResourceInUseException", "ConcurrentModificationException"}
_STALE = {"PreconditionFailedException"}
_WRONG_HASH = "CodeSHA256"
_STRANGER_HINT = "Check for a proxy or a sign-in page between this machine and AWS, and AWS_ENDPOINT_URL."
_REFUSED_HINT = "AWS will not do this as it was asked: change what it names, then run the command again."
_SIZE_HINT = "A package sent directly may have 50 MB: put it into S3 and give --s3 s3://BUCKET/KEY."
_CLOCK_HINT = "Set this machine's clock (chronyc makestep, timedatectl set-ntp true), then run it again."
_KEY_HINT = (
    "The key was deleted or belongs to another partition, or AWS_SESSION_TOKEN is missing or is another key's: "
    "aws sts get-caller-identity shows whether they work."
)
_SOURCE_HINT = (
    "Check what the credentials come from: the profile, AWS_WEB_IDENTITY_TOKEN_FILE, AWS_CONTAINER_* or "
    "credential_process; aws sts get-caller-identity shows whether they work."
)
_SERVICES = {
    "DescribeAlarms": "cloudwatch",
    "GetMetricData": "cloudwatch",
    "GetCallerIdentity": "sts",
    "Publish": "sns",
    "PutEvents": "events",
    **dict.fromkeys(("PutObject", "GetObject", "ListObjectsV2"), "s3"),
    "Sign": "kms",
    "LookupEvents": "cloudtrail",
    **dict.fromkeys(
        (
            "GetItem",
            "PutItem",
            "DeleteItem",
            "Query",
            "TransactWriteItems",
            "DescribeTable",
            "DescribeContinuousBackups",
            "CreateTable",
            "UpdateTable",
            "UpdateContinuousBackups",
        ),
        "dynamodb",
    ),
    **dict.fromkeys(
        (
            "GetQueueUrl",
            "GetQueueAttributes",
            "ListDeadLetterSourceQueues",
            "ListQueues",
            "ReceiveMessage",
            "SendMessageBatch",
            "DeleteMessageBatch",
            "ChangeMessageVisibilityBatch",
            "PurgeQueue",
            "StartMessageMoveTask",
            "ListMessageMoveTasks",
            "CancelMessageMoveTask",
        ),
        "sqs",
    ),
}
_ACTIONS = {
    # A batch needs the permission of the single call (SQS guide, "API permissions"); invoking has its own name.
    "SendMessageBatch": "SendMessage",
    "DeleteMessageBatch": "DeleteMessage",
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
    "Invoke": "InvokeFunction",
    # A transaction needs the permissions of what it does (DynamoDB guide, "Using IAM with transactions").
    "TransactWriteItems": "PutItem",
    "ListObjectsV2": "ListBucket",
}
_OWN_HINT = "Or an earlier try of this very call took effect and its answer was lost: look before going on."
# What a refusal names, as in: is not authorized to perform ACTION on resource ARN.
_PERFORM = re.compile(r"perform: ([a-z0-9-]+:[A-Za-z0-9]+)")
_SIGNED_IN = re.compile(r"//[^/@\s\"]*@")
_SOURCES = {"botocore.credentials", "botocore.tokens", "botocore.configprovider"}
"""Where botocore looks for credentials and settings, and lets whatever it meets pass through."""
_TOO_LARGE = 413
_TOO_MANY, _PRECONDITION, _CONFLICT_STATUS, _FAULT = 429, 412, 409, 500


@contextmanager
def translating(doing: str, *, target: str = "", alias: bool = False) -> Iterator[None]:
    """Run AWS calls; raise our error for botocore's.

    Args:
        doing: what is being done, as an infinitive: ``read orders:live``.
        target: what it is done to.
        alias: whether a stale revision is an alias's (else a function's).

    Raises:
        LambdaOpsError: one of those in core.errors.
    """
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except ClientError as error:
        raise _answered(error, doing, target, alias=alias) from error
    except BotoCoreError as error:
        raise _unanswered(error, doing, target) from error
    except (ResponseParserError, UnicodeDecodeError) as error:
        # Not the answer itself: it is a stranger's page, and may hold anything.
        raise UnreachableError(
            f"could not {doing}: the answer is not AWS's", hint=_STRANGER_HINT, target=target
        ) from error
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        translated = _escaped(error, doing, target)
        if translated is None:
            raise
        raise translated from error


def _escaped(error: Exception, doing: str, target: str) -> LambdaOpsError | None:
    """What botocore lets through: a token file that is not there, say, or a source that speaks no JSON."""
    modules = {frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__)}
    if modules & _SOURCES:
        said = f"{error.strerror}: {error.filename}" if isinstance(error, OSError) else str(error)
        message = f"could not {doing}: no credentials: {_masked(_first_line(said)) or type(error).__name__}"
        # "Credentials were refreshed, but the refreshed credentials are still expired": a source that is stuck.
        expired = isinstance(error, RuntimeError)
        return (CredentialsExpiredError if expired else CredentialsMissingError)(
            message, hint=_SOURCE_HINT, target=target
        )
    if isinstance(error, ValueError) and "endpoint" in str(error).lower():
        message = f"could not {doing}: {_masked(str(error))}"
        return UnreachableError(message, hint="Check AWS_ENDPOINT_URL.", target=target)
    return None


def _answered(error: ClientError, doing: str, target: str, *, alias: bool) -> LambdaOpsError:
    """AWS answered, with an error."""
    answer = error.response.get("Error", {})
    meta = error.response.get("ResponseMetadata", {})
    code = str(answer.get("Code", ""))
    said = _first_line(str(answer.get("Message", ""))) or code
    status = int(meta.get("HTTPStatusCode", 0))
    if code in ("", str(status)):
        # No error of AWS's: botocore then takes the status for the code, and a whole page of HTML for the message.
        said = f"HTTP {status} without an AWS error code"
    if code in _SIGNED:
        off = _clock_off(str(meta.get("HTTPHeaders", {}).get("date", "")))
        if off or any(words in said.lower() for words in _TOO_EARLY_OR_LATE):
            by = f" by {format_duration(off)}" if off else ""
            said, code = f"this machine's clock is off{by}: {said}", "RequestTimeTooSkewed"
    # SQS: the code is the older protocol's, botocore keeps the newer one's (awsQueryCompatible).
    queues = queue_fault(error.operation_name, {code, str(answer.get("QueryErrorCode", ""))}, said)
    cls, hint = queues or _classify(code, status, said, error.operation_name, alias=alias)
    said = discreet(said)
    if issubclass(cls, (AliasChangedError, FunctionChangedError)) and meta.get("RetryAttempts", 0):
        hint = f"{hint} {_OWN_HINT}"
    return cls(f"could not {doing}: {said}", hint=hint, target=target, request_id=str(meta.get("RequestId", "")))


def _clock_off(date: str) -> timedelta | None:
    """How far this machine's clock is from that of the answer, if that is far enough to spoil a signature."""
    try:
        theirs = parsedate_to_datetime(date)
    except ValueError:
        return None
    # "-0000" says that the zone is unknown; HTTP dates are UTC.
    off = abs(datetime.now(UTC) - (theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)))
    return timedelta(minutes=round(off / timedelta(minutes=1))) if off >= _OFF else None


def _masked(text: str) -> str:
    """Without the name and password that a URL in it may hold."""
    return _SIGNED_IN.sub("//***@", text)


def _first_line(text: str) -> str:
    """What AWS says, not what it repeats: of a bad signature it shows the whole request, session token included."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def _classify(code: str, status: int, said: str, operation: str, *, alias: bool) -> tuple[type[LambdaOpsError], str]:
    if code in _EXPIRED:
        return CredentialsExpiredError, "Sign in again (aws sso login, or renew the session), then run it again."
    if code == "RequestTimeTooSkewed":
        return CredentialsInvalidError, _CLOCK_HINT
    if code in _UNKNOWN_KEY:
        return CredentialsInvalidError, _KEY_HINT
    if code in _INVALID:
        return CredentialsInvalidError, "Check the secret key, and this machine's clock: signatures carry the time."
    if code in _DENIED:
        return AccessDeniedError, _permission_hint(operation, said)
    if code in _THROTTLED or status == _TOO_MANY:
        return ThrottledError, "The account's API rate is used up; try again in a minute."
    if code in _STALE or status == _PRECONDITION:
        changed = AliasChangedError if alias else FunctionChangedError
        return changed, "Somebody changed it since it was read. Find out who (console, CI, IaC) before going on."
    if code in _NOT_FOUND:
        return NotFoundError, "Check the name, the region (--region) and the account."
    if code in _CONFLICT or status == _CONFLICT_STATUS:
        return ConflictError, "Another change is in progress; wait until it is done."
    if status >= _FAULT:
        return AwsFaultError, "AWS failed on its side; read the state again before repeating it."
    if operation == "PublishVersion" and _WRONG_HASH.lower() in said.lower().replace("-", "").replace(" ", ""):
        return FunctionChangedError, "The code is not what was uploaded. Find out who deploys this function."
    if code in ("", str(status)):
        return UnreachableError, _STRANGER_HINT
    return RejectedError, _SIZE_HINT if status == _TOO_LARGE else _REFUSED_HINT


def _permission_hint(operation: str, said: str) -> str:
    """Which permission is missing: the one AWS names (it may be another service's), else the call's own."""
    service = _SERVICES.get(operation, "lambda")
    # Credentials that are fetched on the way: a profile's role_arn, a CI's web identity.
    service = "sts" if operation.startswith("AssumeRole") else service
    named = _PERFORM.search(said)
    action = named[1] if named else f"{service}:{_ACTIONS.get(operation, operation)}"
    if "explicit deny" in said:
        return f"A policy denies {action} explicitly, so allowing it elsewhere will not help; find that policy."
    if action == "cloudwatch:DescribeAlarms":
        return f"The caller needs {action} on *: composite alarms cannot be read with less."
    if action == "cloudwatch:GetMetricData":
        return f"The caller needs {action} on *: metrics have no ARN of their own."
    if action == "lambda:ListFunctions":
        return f"The caller needs {action} on *: it knows no single function."
    return f"The caller needs {action} on it; check the role's policy."


def _unanswered(error: BotoCoreError, doing: str, target: str) -> LambdaOpsError:
    """The call never got an answer, or was never made."""
    from botocore import exceptions as boto

    said = discreet(_masked(" ".join(str(error).split())))
    if type(error) is boto.HTTPClientError:
        # It wraps whatever failed, such as a header that could not be sent: a session token, for instance.
        said = "the request could not be sent or its answer not read; do AWS_* variables end in a line break?"
    message = f"could not {doing}: {said}"
    match error:
        case boto.NoCredentialsError() | boto.PartialCredentialsError() | boto.CredentialRetrievalError():
            hint = "Set a profile (--profile), AWS_PROFILE, or the AWS_* variables; in CI assume a role first."
            return CredentialsMissingError(message, hint=hint, target=target)
        case (
            boto.ConfigParseError()
            | boto.InvalidConfigError()
            | boto.RefreshWithMFAUnsupportedError()
            | boto.MetadataRetrievalError()
            | boto.MissingDependencyException()
            | boto.InvalidDefaultsMode()
            | boto.InvalidSTSRegionalEndpointsConfigError()
            | boto.InvalidChecksumConfigError()
            | boto.InvalidIMDSEndpointError()
            | boto.InvalidIMDSEndpointModeError()
            | boto.NoAuthTokenError()
        ):
            hint = (
                "Check ~/.aws/config and the credentials' source: aws sts get-caller-identity shows whether they work."
            )
            return CredentialsMissingError(message, hint=hint, target=target)
        case boto.SSOError() | boto.TokenRetrievalError():
            return CredentialsExpiredError(message, hint="Sign in again: aws sso login.", target=target)
        case boto.LoginError():
            return CredentialsExpiredError(message, hint="Sign in again: aws login.", target=target)
        case boto.ProfileNotFound() | boto.ConfigNotFound():
            hint = "aws configure list-profiles shows those there are."
            return CredentialsMissingError(message, hint=hint, target=target)
        case boto.NoRegionError() | boto.InvalidRegionError():
            return RegionMissingError(message, hint="Give --region, or set AWS_REGION.", target=target)
        case boto.ParamValidationError():
            return RejectedError(message, hint=_REFUSED_HINT, target=target)
        case _:
            hint = "Check the network, the region's name and AWS_ENDPOINT_URL."
            return UnreachableError(message, hint=hint, target=target)
