"""GetCallerIdentity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lambdaops.aws.identity import StsIdentity
from lambdaops.core.errors import AwsError, CredentialsExpiredError

if TYPE_CHECKING:
    from botocore.stub import Stubber

    from lambdaops.aws.session import Session

ARN = "arn:aws:sts::123456789012:assumed-role/deployer/ci"


def test_the_caller_is_an_arn(session: Session, identity_calls: Stubber) -> None:
    answer = {"Arn": ARN, "Account": "123456789012", "UserId": "AROA:ci"}
    identity_calls.add_response("get_caller_identity", answer, {})
    identity = StsIdentity(session)
    assert identity.caller() == ARN
    assert identity.caller() == ARN  # the stub has one answer only


def test_an_answer_that_did_not_come_is_asked_for_again(session: Session, identity_calls: Stubber) -> None:
    identity = StsIdentity(session)
    identity_calls.add_client_error("get_caller_identity", "ServiceUnavailable", "later", 503)
    with pytest.raises(AwsError):
        identity.caller()
    identity_calls.add_response("get_caller_identity", {"Arn": ARN, "Account": "123456789012", "UserId": "AROA:ci"}, {})
    assert identity.caller() == ARN


def test_a_caller_whose_session_is_over(session: Session, identity_calls: Stubber) -> None:
    identity_calls.add_client_error("get_caller_identity", "ExpiredToken", "The security token is expired", 403)
    with pytest.raises(CredentialsExpiredError, match="could not ask who the caller is: The security token is expired"):
        StsIdentity(session).caller()
