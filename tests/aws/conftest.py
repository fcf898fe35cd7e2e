"""Real boto3 clients that reach nobody: stubbed, or pointed at a server of the test's own on 127.0.0.1."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from botocore.stub import Stubber

from lambdaops.aws.functions import LambdaFunctions
from lambdaops.aws.session import Session
from tests.sim.clock import SimClock

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROXIES = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}


@pytest.fixture(scope="package", autouse=True)
def nothing_from_outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No credentials, region, profile or proxy of the machine that runs the tests.

    For the whole package, so that clients shared between tests are made in it too.
    """
    nowhere = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith("AWS_") or name.lower() in _PROXIES:
                patch.delenv(name)
        patch.setenv("AWS_CONFIG_FILE", str(nowhere / "config"))
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(nowhere / "credentials"))
        patch.setenv("BOTO_CONFIG", str(nowhere / "boto.cfg"))
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("HOME", str(nowhere))
        yield


@pytest.fixture(scope="package")
def session() -> Session:
    """One for all stubbed tests: making a client costs more than a test. Its endpoint takes no connection."""
    return Session(
        variables={
            "AWS_REGION": "eu-central-1",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
    )


@pytest.fixture
def clock() -> SimClock:
    return SimClock()


@pytest.fixture
def functions(session: Session, clock: SimClock) -> LambdaFunctions:
    return LambdaFunctions(session, clock)


@pytest.fixture
def calls(session: Session) -> Iterator[Stubber]:
    """What Lambda is asked, in this order and with exactly these parameters, and what it answers."""
    with Stubber(session.functions()) as stub:
        yield stub
        stub.assert_no_pending_responses()


@pytest.fixture
def publish_calls(session: Session) -> Iterator[Stubber]:
    with Stubber(session.publishing()) as stub:
        yield stub
        stub.assert_no_pending_responses()


@pytest.fixture
def alarm_calls(session: Session) -> Iterator[Stubber]:
    with Stubber(session.alarms()) as stub:
        yield stub
        stub.assert_no_pending_responses()


@pytest.fixture
def log_calls(session: Session) -> Iterator[Stubber]:
    with Stubber(session.logs()) as stub:
        yield stub
        stub.assert_no_pending_responses()


@pytest.fixture
def identity_calls(session: Session) -> Iterator[Stubber]:
    with Stubber(session.identity()) as stub:
        yield stub
        stub.assert_no_pending_responses()
