"""Every exception of botocore's that we know, and what it becomes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from lambdaops.aws.faults import translating
from lambdaops.core.errors import (
    AccessDeniedError,
    AliasChangedError,
    AwsFaultError,
    ConflictError,
    CredentialsExpiredError,
    CredentialsInvalidError,
    CredentialsMissingError,
    ExitCode,
    FunctionChangedError,
    LambdaOpsError,
    NotFoundError,
    RegionMissingError,
    RejectedError,
    ThrottledError,
    UnreachableError,
)

WRONG_HASH = (
    "CodeSHA256 (YWFh) is different from current CodeSHA256 in $LATEST (YmJi). "
    "Please try again with the CodeSHA256 in $LATEST."
)
PAGE = "<!DOCTYPE html>\n<html>Please sign in, alice"
# class: exit code, ambiguous, permanent. Written out: the machine branches on the flags, pipelines on the code.
KINDS: dict[type[LambdaOpsError], tuple[ExitCode, bool, bool]] = {
    AccessDeniedError: (ExitCode.AWS, False, True),
    AliasChangedError: (ExitCode.CONFLICT, False, False),
    AwsFaultError: (ExitCode.AWS, True, False),
    ConflictError: (ExitCode.AWS, False, False),
    CredentialsExpiredError: (ExitCode.AWS, False, True),
    CredentialsInvalidError: (ExitCode.AWS, False, True),
    CredentialsMissingError: (ExitCode.AWS, False, True),
    FunctionChangedError: (ExitCode.CONFLICT, False, False),
    NotFoundError: (ExitCode.BLOCKED, False, False),
    RegionMissingError: (ExitCode.AWS, False, True),
    RejectedError: (ExitCode.AWS, False, True),
    ThrottledError: (ExitCode.AWS, False, False),
    UnreachableError: (ExitCode.AWS, True, False),
}


def translate(error: Exception, *, alias: bool = False) -> LambdaOpsError:
    with pytest.raises(LambdaOpsError) as raised, translating("read it", target="orders:live", alias=alias):
        raise error
    assert raised.value.__cause__ is error
    return raised.value


def refused(code: str, status: int, message: str = "no", operation: str = "GetAlias") -> boto.ClientError:
    meta: Any = {"RequestId": "req-1", "HTTPStatusCode": status}
    return boto.ClientError({"Error": {"Code": code, "Message": message}, "ResponseMetadata": meta}, operation)


def check_kind(error: LambdaOpsError, cls: type[LambdaOpsError]) -> None:
    flags = (error.exit_code, getattr(error, "ambiguous", False), getattr(error, "permanent", False))
    assert (type(error), flags) == (cls, KINDS[cls])
    assert error.target == "orders:live"
    assert "\n" not in error.message


# -- AWS answered --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Refusal:
    """An answer of AWS's, what it becomes, and a word its hint must have."""

    code: str
    status: int
    cls: type[LambdaOpsError]
    hint: str
    message: str = "no"
    operation: str = "GetAlias"
    alias: bool = False

    def __str__(self) -> str:
        return f"{self.operation} {self.code or 'nameless'} {self.status}{' alias' if self.alias else ''}"


REFUSALS = [
    *(
        Refusal(code, 403, CredentialsExpiredError, "Sign in again")
        for code in ("ExpiredTokenException", "ExpiredToken", "RequestExpired", "TokenRefreshRequired")
    ),
    *(
        Refusal(code, 403, CredentialsInvalidError, "clock")
        for code in (
            "SignatureDoesNotMatch",
            "InvalidSignatureException",
            "IncompleteSignature",
            "MissingAuthenticationToken",
            "MissingAuthenticationTokenException",
            "AuthFailure",
            "RequestTimeTooSkewed",
        )
    ),
    *(
        Refusal(code, 403, CredentialsInvalidError, "AWS_SESSION_TOKEN")
        for code in ("UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId")
    ),
    *(
        Refusal(code, 403, AccessDeniedError, "lambda:GetAlias")
        for code in (
            "AccessDeniedException",
            "AccessDenied",
            "UnauthorizedOperation",
            "Forbidden",
            "UnauthorizedAccess",
        )
    ),
    Refusal("AccessDenied", 403, AccessDeniedError, "cloudwatch:DescribeAlarms on *", operation="DescribeAlarms"),
    Refusal("AccessDenied", 403, AccessDeniedError, "cloudwatch:GetMetricData on *", operation="GetMetricData"),
    # While fetching credentials: the call that botocore made is not the one that was asked for.
    Refusal("AccessDenied", 403, AccessDeniedError, "sts:AssumeRole ", operation="AssumeRole"),
    Refusal("AccessDenied", 403, AccessDeniedError, "sts:AssumeRoleWith", operation="AssumeRoleWithWebIdentity"),
    Refusal("InvalidIdentityToken", 400, CredentialsInvalidError, "", operation="AssumeRoleWithWebIdentity"),
    Refusal("IDPRejectedClaim", 403, CredentialsInvalidError, "", operation="AssumeRoleWithWebIdentity"),
    Refusal(
        "AccessDeniedException",
        403,
        AccessDeniedError,
        "needs kms:Decrypt on it",
        message="User: arn:aws:iam::123456789012:user/ci is not authorized to perform: kms:Decrypt on resource: key",
    ),
    Refusal(
        "AccessDeniedException",
        403,
        AccessDeniedError,
        "denies lambda:UpdateAlias explicitly",
        message="User: ci is not authorized to perform: lambda:UpdateAlias with an explicit deny in an SCP",
        operation="UpdateAlias",
    ),
    Refusal("AccessDenied", 403, AccessDeniedError, "sts:GetCallerIdentity", operation="GetCallerIdentity"),
    *(
        Refusal(code, 400, ThrottledError, "try again")
        for code in (
            "TooManyRequestsException",
            "Throttling",
            "ThrottlingException",
            "ThrottledException",
            "RequestThrottled",
            "RequestThrottledException",
            "RequestLimitExceeded",
            "LimitExceededException",
            "SlowDown",
        )
    ),
    Refusal("Unheard", 429, ThrottledError, "try again"),
    Refusal("429", 429, ThrottledError, "try again"),
    Refusal("PreconditionFailedException", 412, AliasChangedError, "Find out who", alias=True),
    Refusal("PreconditionFailedException", 412, FunctionChangedError, "Find out who", operation="PublishVersion"),
    Refusal("PreconditionFailedException", 400, AliasChangedError, "Find out who", alias=True),
    Refusal("Unheard", 412, AliasChangedError, "Find out who", alias=True),
    Refusal("Unheard", 412, FunctionChangedError, "Find out who"),
    *(
        Refusal(code, status, NotFoundError, "--region")
        for code in ("ResourceNotFoundException", "ResourceNotFound", "NotFoundException")
        for status in (400, 404)
    ),
    *(
        Refusal(code, status, ConflictError, "wait")
        for code in ("ResourceConflictException", "ResourceInUseException", "ConcurrentModificationException")
        for status in (400, 409)
    ),
    Refusal("Unheard", 409, ConflictError, "wait"),
    Refusal("ServiceException", 500, AwsFaultError, "read the state again"),
    Refusal("InternalFailure", 500, AwsFaultError, "read the state again"),
    Refusal("502", 502, AwsFaultError, "read the state again", message=PAGE),
    Refusal("ServiceUnavailable", 503, AwsFaultError, "read the state again"),
    Refusal("504", 504, AwsFaultError, "read the state again", message="Gateway Timeout"),
    Refusal("InvalidParameterValueException", 400, RejectedError, "change what it names"),
    Refusal("ValidationError", 400, RejectedError, "change what it names", operation="DescribeAlarms"),
    Refusal("CodeStorageExceededException", 400, RejectedError, "change what it names", operation="PublishVersion"),
    Refusal("InvalidParameterValueException", 400, RejectedError, "change what it names", operation="PublishVersion"),
    Refusal("RequestEntityTooLargeException", 413, RejectedError, "--s3", operation="UpdateFunctionCode"),
    # Only PublishVersion compares hashes.
    Refusal(
        "InvalidParameterValueException",
        400,
        RejectedError,
        "change what it names",
        message=WRONG_HASH,
        operation="GetFunction",
    ),
    Refusal(
        "InvalidParameterValueException",
        400,
        FunctionChangedError,
        "who deploys",
        message=WRONG_HASH,
        operation="PublishVersion",
    ),
    # A proxy's or a portal's answer: AWS names its errors.
    Refusal("302", 302, UnreachableError, "proxy", message=PAGE),
    Refusal("403", 403, UnreachableError, "proxy", message=PAGE),
    Refusal("", 403, UnreachableError, "proxy", message=""),
]


@pytest.mark.parametrize("case", REFUSALS, ids=str)
def test_what_aws_refuses(case: Refusal) -> None:
    error = translate(refused(case.code, case.status, case.message, case.operation), alias=case.alias)
    check_kind(error, case.cls)
    assert error.request_id == "req-1"
    assert case.hint in error.hint
    named = case.code not in ("", str(case.status))
    said = case.message if named else f"HTTP {case.status} without an AWS error code"
    assert error.message == f"could not read it: {said}"


EXPIRED_SIGNATURE = (
    "Signature expired: 20261123T030000Z is now earlier than 20261123T055500Z (20261123T060000Z - 5 min.)"
)
NOT_YET = "Signature not yet current: 20261123T030000Z is still later than 20261123T001000Z"
MISMATCH = "The request signature we calculated does not match the signature you provided."


@pytest.mark.parametrize(
    ("code", "message", "hours", "says"),
    [
        ("InvalidSignatureException", EXPIRED_SIGNATURE, 3, "this machine's clock is off by 3h: Signature expired"),
        ("SignatureDoesNotMatch", NOT_YET, -26, "this machine's clock is off by 1d2h: Signature not yet"),
        ("RequestTimeTooSkewed", "The difference is too large", 0.5, "this machine's clock is off by 30m: The diff"),
        ("RequestExpired", "Request has expired.", 0.1, "this machine's clock is off by 6m: Request has"),
        # Wrong by the answer's Date alone, or by what AWS says alone.
        ("InvalidSignatureException", MISMATCH, 2, "this machine's clock is off by 2h: The request"),
        ("InvalidSignatureException", EXPIRED_SIGNATURE, 0, "this machine's clock is off: Signature expired"),
        ("InvalidSignatureException", EXPIRED_SIGNATURE, None, "this machine's clock is off: Signature expired"),
    ],
)
def test_a_clock_that_is_off(code: str, message: str, hours: float | None, says: str) -> None:
    error = translate(_dated(refused(code, 403, message), hours))
    check_kind(error, CredentialsInvalidError)
    assert error.message.startswith(f"could not read it: {says}")
    assert "Set this machine's clock" in error.hint


@pytest.mark.parametrize(
    ("code", "hours", "cls"),
    [
        ("InvalidSignatureException", 0.05, CredentialsInvalidError),  # three minutes: within what AWS takes
        ("InvalidSignatureException", None, CredentialsInvalidError),
        ("ExpiredTokenException", 3, CredentialsExpiredError),
        ("UnrecognizedClientException", 3, CredentialsInvalidError),
        ("AccessDeniedException", 3, AccessDeniedError),
    ],
)
def test_a_clock_that_is_not_to_blame(code: str, hours: float | None, cls: type[LambdaOpsError]) -> None:
    error = translate(_dated(refused(code, 403, MISMATCH), hours))
    check_kind(error, cls)
    assert "clock is off" not in error.message


def _dated(error: boto.ClientError, hours: float | None) -> boto.ClientError:
    """As answered by an AWS whose clock is so far ahead of ours; None: it says no time that can be read."""
    date = "soon" if hours is None else format_datetime(datetime.now(UTC) + timedelta(hours=hours), usegmt=True)
    error.response["ResponseMetadata"]["HTTPHeaders"] = {"date": date}
    return error


def test_a_refusal_without_a_message_says_its_code() -> None:
    assert translate(refused("ServiceException", 500, "")).message == "could not read it: ServiceException"


def test_an_answer_without_anything_is_still_an_error_of_ours() -> None:
    error = translate(boto.ClientError({}, "GetAlias"))
    assert isinstance(error, UnreachableError)
    assert error.request_id == ""


# -- nobody answered -----------------------------------------------------------------------------------------------

URL = "https://lambda.eu-central-1.amazonaws.com"
SILENCES: list[tuple[Exception, type[LambdaOpsError], str]] = [
    (boto.NoCredentialsError(), CredentialsMissingError, "--profile"),
    (boto.PartialCredentialsError(provider="env", cred_var="KEY"), CredentialsMissingError, "--profile"),
    (boto.CredentialRetrievalError(provider="process", error_msg="exit 1"), CredentialsMissingError, "--profile"),
    (boto.SSOError(), CredentialsExpiredError, "aws sso login"),
    (boto.SSOTokenLoadError(error_msg="no file"), CredentialsExpiredError, "aws sso login"),
    (boto.UnauthorizedSSOTokenError(), CredentialsExpiredError, "aws sso login"),
    (boto.TokenRetrievalError(provider="sso", error_msg="old"), CredentialsExpiredError, "aws sso login"),
    (boto.LoginRefreshRequired(), CredentialsExpiredError, "aws login"),
    (boto.LoginTokenLoadError(error_msg="no file"), CredentialsExpiredError, "aws login"),
    (boto.NoAuthTokenError(), CredentialsMissingError, "~/.aws/config"),
    (boto.MetadataRetrievalError(error_msg="no host"), CredentialsMissingError, "~/.aws/config"),
    (boto.MissingDependencyException(msg="botocore[crt]"), CredentialsMissingError, "~/.aws/config"),
    (boto.ConfigParseError(path="/home/x/.aws/config"), CredentialsMissingError, "~/.aws/config"),
    (boto.InvalidConfigError(error_msg="no source"), CredentialsMissingError, "~/.aws/config"),
    (
        boto.InfiniteLoopConfigError(source_profile="a", visited_profiles=["a"]),
        CredentialsMissingError,
        "~/.aws/config",
    ),
    (boto.RefreshWithMFAUnsupportedError(), CredentialsMissingError, "~/.aws/config"),
    (boto.InvalidDefaultsMode(mode="odd", valid_modes="legacy"), CredentialsMissingError, "~/.aws/config"),
    (boto.ProfileNotFound(profile="nosuch"), CredentialsMissingError, "list-profiles"),
    (boto.ConfigNotFound(path="/nowhere"), CredentialsMissingError, "list-profiles"),
    (boto.NoRegionError(), RegionMissingError, "--region"),
    (boto.InvalidRegionError(region_name="eu central"), RegionMissingError, "--region"),
    (boto.ParamValidationError(report="Invalid length\nfor Name"), RejectedError, "change what it names"),
    (boto.EndpointConnectionError(endpoint_url=URL), UnreachableError, "network"),
    (boto.ConnectTimeoutError(endpoint_url=URL), UnreachableError, "network"),
    (boto.ReadTimeoutError(endpoint_url=URL), UnreachableError, "network"),
    (boto.ConnectionClosedError(endpoint_url=URL), UnreachableError, "network"),
    (boto.SSLError(endpoint_url=URL, error=OSError("self-signed")), UnreachableError, "network"),
    (boto.ProxyConnectionError(proxy_url="http://proxy.example"), UnreachableError, "network"),
]


@pytest.mark.parametrize(("raised", "cls", "hint"), SILENCES, ids=[type(row[0]).__name__ for row in SILENCES])
def test_what_gets_no_answer(raised: Exception, cls: type[LambdaOpsError], hint: str) -> None:
    error = translate(raised)
    check_kind(error, cls)
    assert error.request_id == ""
    assert hint in error.hint
    assert error.message == f"could not read it: {' '.join(str(raised).split())}"


@pytest.mark.parametrize("raised", [ResponseParserError(PAGE), UnicodeDecodeError("utf-8", PAGE.encode(), 0, 1, "bad")])
def test_a_page_that_is_not_aws_s_is_not_repeated(raised: Exception) -> None:
    error = translate(raised)
    check_kind(error, UnreachableError)
    assert error.message == "could not read it: the answer is not AWS's"
    assert "proxy" in error.hint


def test_a_malformed_endpoint() -> None:
    error = translate(ValueError("Invalid endpoint: no url"))
    check_kind(error, UnreachableError)
    assert error.message == "could not read it: Invalid endpoint: no url"
    assert "AWS_ENDPOINT_URL" in error.hint


# -- what is said to be ours ---------------------------------------------------------------------------------------

SECRET = "FwoGZXIvYXdzEXAMPLE"
# As Lambda answers: the request it would have signed, with every header that was sent.
SIGNATURE = f"""The request signature we calculated does not match. Check your AWS Secret Access Key.

The Canonical String for this request should have been
'GET
/2015-03-31/functions/orders/aliases/live

host:lambda.eu-central-1.amazonaws.com
x-amz-security-token:{SECRET}
'"""


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (refused("InvalidSignatureException", 403, SIGNATURE), "Check your AWS Secret Access Key."),
        (boto.HTTPClientError(error=ValueError(f"Invalid header value b'{SECRET}\\n'")), "AWS_* variables"),
        (boto.EndpointConnectionError(endpoint_url=f"https://alice:{SECRET}@host/x"), '"https://***@host/x"'),
        (ValueError(f"Invalid endpoint: https://alice:{SECRET}@no host"), "https://***@no host"),
    ],
    ids=["signature", "header", "endpoint", "bad endpoint"],
)
def test_a_credential_that_is_repeated_to_us_is_not_passed_on(raised: Exception, said: str) -> None:
    error = translate(raised)
    assert SECRET not in error.message + error.hint
    assert said in error.message
    assert "\n" not in error.message


@pytest.mark.parametrize("alias", [True, False])
@pytest.mark.parametrize(("tried_again", "says"), [(0, False), (1, True)])
def test_a_stale_revision_after_a_retry_may_be_our_own(alias: bool, tried_again: int, says: bool) -> None:
    error = refused("PreconditionFailedException", 412)
    error.response["ResponseMetadata"]["RetryAttempts"] = tried_again
    assert ("this very call" in translate(error, alias=alias).hint) is says


# -- not botocore's ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raised",
    [ValueError("'ODD' is not a valid AlarmState"), KeyError("Arn"), OSError("disk"), NotFoundError("ours")],
    ids=repr,
)
def test_what_is_not_botocore_s_goes_through(raised: Exception) -> None:
    with pytest.raises(type(raised)) as caught, translating("read it", target="orders:live"):
        raise raised
    assert caught.value is raised


def test_nothing_happens_when_nothing_is_raised() -> None:
    with translating("read it"):
        pass
