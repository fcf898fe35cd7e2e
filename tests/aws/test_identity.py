"""GetCallerIdentity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lambdaops.aws.identity import StsIdentity
from lambdaops.core.errors import CredentialsExpiredError

if TYPE_CHECKING:
    from botocore.stub import Stubber

    from lambdaops.aws.session import Session

ARN = "arn:aws:sts::123456789012:assumed-role/deployer/ci"


def test_the_caller_is_an_arn(session: Session, identity_calls: Stubber) -> None:
    answer = {"Arn": ARN, "Account": "123456789012", "UserId": "AROA:ci"}
    identity_calls.add_response("get_caller_identity", answer, {})
    assert StsIdentity(session).caller() == ARN


def test_a_caller_whose_session_is_over(session: Session, identity_calls: Stubber) -> None:
    identity_calls.add_client_error("get_caller_identity", "ExpiredToken", "The security token is expired", 403)
    with pytest.raises(CredentialsExpiredError, match="could not ask who the caller is: The security token is expired"):
        StsIdentity(session).caller()
