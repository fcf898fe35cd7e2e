"""Which region, profile, endpoint and credentials a client is made with, and what is imported for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lambdaops import __version__
from lambdaops.aws.functions import LambdaFunctions
from lambdaops.aws.session import Session
from lambdaops.core.errors import (
    CredentialsExpiredError,
    CredentialsMissingError,
    ExitCode,
    LambdaOpsError,
    RegionMissingError,
    UnreachableError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sim.clock import SimClock

PROFILES = """
[default]
region = sa-east-1

[profile staging]
region = eu-west-3
aws_access_key_id = STAGING
aws_secret_access_key = test

[profile bare]
output = json
"""


@pytest.fixture
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config"
    config.write_text(PROFILES)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))


def region(session: Session) -> str:
    return session.functions().meta.region_name


def key(session: Session) -> str | None:
    credentials = session._boto().get_credentials()
    return None if credentials is None else credentials.access_key


# -- region --------------------------------------------------------------------------------------------------------


def test_the_region_that_was_given_wins(profiles: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-2")
    given = Session(region="eu-central-1", profile="staging", variables={"AWS_REGION": "us-west-1"})
    assert region(given) == "eu-central-1"


def test_then_the_caller_s_variables(profiles: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-2")
    assert region(Session(variables={"AWS_REGION": "us-west-1"})) == "us-west-1"


def test_then_the_process_s(profiles: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-2")
    assert region(Session(profile="staging")) == "us-east-2"


def test_then_the_profile_s(profiles: None) -> None:
    assert region(Session()) == "sa-east-1"
    assert region(Session(profile="staging")) == "eu-west-3"


@pytest.mark.parametrize("service", ["functions", "alarms", "identity"])
def test_no_region_is_an_error_with_a_next_step(service: str) -> None:
    with pytest.raises(RegionMissingError) as raised:
        getattr(Session(), service)()
    assert "--region" in raised.value.hint


def test_a_profile_without_a_region(profiles: None) -> None:
    with pytest.raises(RegionMissingError):
        Session(profile="bare").functions()


def test_a_region_that_cannot_be_one() -> None:
    with pytest.raises(RegionMissingError):
        Session(region="not a region!").functions()


# -- profile and credentials ---------------------------------------------------------------------------------------


def test_a_profile_brings_its_credentials(profiles: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AMBIENT")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    assert key(Session(profile="staging")) == "STAGING"
    assert key(Session()) == "AMBIENT"


def test_the_profile_of_the_process(profiles: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "staging")
    assert region(Session()) == "eu-west-3"


def test_a_profile_that_does_not_exist(profiles: None) -> None:
    with pytest.raises(CredentialsMissingError, match="nosuch") as raised:
        Session(region="eu-central-1", profile="nosuch").functions()
    assert "list-profiles" in raised.value.hint


def test_no_credentials_is_an_error_of_the_call(clock: SimClock) -> None:
    """Making a client needs none; nothing is sent without."""
    with pytest.raises(CredentialsMissingError) as raised:
        LambdaFunctions(Session(region="eu-central-1"), clock).get_alias("orders", "live")
    assert raised.value.target == "orders:live"


def test_half_of_the_credentials(monkeypatch: pytest.MonkeyPatch, clock: SimClock) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    with pytest.raises(CredentialsMissingError):
        LambdaFunctions(Session(region="eu-central-1"), clock).get_alias("orders", "live")


@pytest.mark.parametrize(
    ("profile", "said"),
    [("source", 'The source_profile "nosuch"'), ("half", "Partial credentials found in assume-role")],
)
def test_a_role_that_cannot_be_assumed_is_a_matter_of_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, profile: str, said: str
) -> None:
    role = "region = eu-central-1\nrole_arn = arn:aws:iam::123456789012:role/deploy\n"
    config = tmp_path / "config"
    config.write_text(f"[profile source]\n{role}source_profile = nosuch\n[profile half]\n{role}")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    with pytest.raises(CredentialsMissingError, match=said):
        Session(profile=profile).functions()


def test_a_configuration_file_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config"
    config.write_text("no section\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    with pytest.raises(CredentialsMissingError) as raised:
        Session(region="eu-central-1").functions()
    assert "~/.aws/config" in raised.value.hint


ROLE = "arn:aws:iam::123456789012:role/deploy"
NOWHERE = "/nonexistent/token"
LOCAL = "http://127.0.0.1:9/credentials"
KEYS = '"AccessKeyId": "a", "SecretAccessKey": "b", "SessionToken": "c"'
OLD = f'{{"Version": 1, {KEYS}, "Expiration": "2020-01-01T00:00:00Z"}}'


@pytest.mark.parametrize(
    ("variables", "process", "cls", "said"),
    [
        ({"AWS_ROLE_ARN": ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": NOWHERE}, "", CredentialsMissingError, NOWHERE),
        ({"AWS_ROLE_ARN": ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": "/"}, "", CredentialsMissingError, "directory: /"),
        ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://evil.example/"}, "", CredentialsMissingError, "evil.example"),
        ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "no url"}, "", CredentialsMissingError, "Unsupported host"),
        (
            {"AWS_CONTAINER_CREDENTIALS_FULL_URI": LOCAL, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": NOWHERE},
            "",
            CredentialsMissingError,
            NOWHERE,
        ),
        (
            {"AWS_CONTAINER_CREDENTIALS_FULL_URI": LOCAL, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "secret\r\nsecret"},
            "",
            CredentialsMissingError,
            "legal header",
        ),
        ({}, "/nonexistent/program", CredentialsMissingError, "/nonexistent/program"),
        ({}, "echo no JSON, but a secret", CredentialsMissingError, "Expecting value"),
        ({}, "'no end", CredentialsMissingError, "closing quotation"),
        ({}, "cat {tmp}/old.json", CredentialsExpiredError, "still expired"),
        ({"AWS_METADATA_SERVICE_NUM_ATTEMPTS": "many"}, "", CredentialsMissingError, "many"),
    ],
)
def test_a_source_of_credentials_that_is_broken(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    clock: SimClock,
    variables: dict[str, str],
    process: str,
    cls: type[LambdaOpsError],
    said: str,
) -> None:
    """botocore lets what it meets there pass as it is: OSError, ValueError, RuntimeError."""
    (tmp_path / "old.json").write_text(OLD)
    config = tmp_path / "config"
    config.write_text(f"[default]\ncredential_process = {process.format(tmp=tmp_path)}\n" if process else "")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(LambdaOpsError) as raised:
        LambdaFunctions(Session(region="eu-central-1"), clock).get_alias("orders", "live")
    assert type(raised.value) is cls
    assert raised.value.exit_code is ExitCode.AWS
    assert said in raised.value.message
    assert "secret" not in raised.value.message
    assert "get-caller-identity" in raised.value.hint


# -- the caller's variables ----------------------------------------------------------------------------------------


def test_the_caller_s_variables_replace_the_process_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AMBIENT")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    variables = {
        "AWS_REGION": "eu-central-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:2",
        "AWS_ACCESS_KEY_ID": "LOCAL",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_SESSION_TOKEN": "local-token",
    }
    client = Session(variables=variables).alarms()
    assert client.meta.endpoint_url == "http://127.0.0.1:2"
    used = client._request_signer._credentials  # type: ignore[attr-defined]
    assert (used.access_key, used.token) == ("LOCAL", "local-token")


def test_without_them_the_process_s_endpoint_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert Session(region="eu-central-1").identity().meta.endpoint_url == "http://127.0.0.1:1"


@pytest.mark.parametrize("variables", [None, {"AWS_ENDPOINT_URL": "no url"}])
def test_an_endpoint_that_is_no_url(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str] | None) -> None:
    if variables is None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", "no url")
    with pytest.raises(UnreachableError) as raised:
        Session(region="eu-central-1", variables=variables).functions()
    assert "AWS_ENDPOINT_URL" in raised.value.hint


# -- clients -------------------------------------------------------------------------------------------------------


def test_clients_are_made_once_each(session: Session) -> None:
    def clients() -> list[object]:
        lambdas = [session.functions(), session.functions(urgent=True), session.publishing()]
        return [*lambdas, session.alarms(), session.identity()]

    made = clients()
    assert all(first is second for first, second in zip(made, clients(), strict=True))
    assert len({id(client) for client in made}) == 5


def test_a_client_that_could_not_be_made_is_made_when_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(region="eu-central-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "no url")
    with pytest.raises(LambdaOpsError):
        session.functions()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert session.functions().meta.endpoint_url == "http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("client", "seconds", "attempts"),
    [
        (lambda session: session.functions(), 5, 4),
        (lambda session: session.functions(urgent=True), 5, 6),
        (lambda session: session.publishing(), 60, 4),
        (lambda session: session.alarms(), 5, 4),
        (lambda session: session.identity(), 5, 4),
    ],
    ids=["watching", "urgent", "publishing", "alarms", "identity"],
)
def test_every_client_gives_up_on_silence(
    session: Session, client: Callable[[Session], Any], seconds: int, attempts: int
) -> None:
    """A large package is taken in slowly; everything else answers at once or not at all."""
    config = client(session).meta.config
    assert (config.connect_timeout, config.read_timeout) == (3, seconds)
    assert config.tcp_keepalive
    assert config.retries == {"mode": "standard", "total_max_attempts": attempts}
    assert f"lambdaops/{__version__}" in config.user_agent_extra


# -- imports -------------------------------------------------------------------------------------------------------

MODULES = sorted(path.stem for path in Path(sys.modules[Session.__module__].__file__ or "").parent.glob("[a-z]*.py"))


def test_the_modules_under_test_are_found() -> None:
    assert {"alarms", "faults", "functions", "identity", "session"} <= set(MODULES)


def test_importing_the_gateways_imports_no_library() -> None:
    imports = "".join(f"import lambdaops.aws.{name}\n" for name in MODULES)
    probe = f"import sys\n{imports}print(*sorted(name for name in sys.modules if '.' not in name))"
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    loaded = set(done.stdout.split())
    assert "lambdaops" in loaded
    assert not loaded & {"boto3", "botocore", "tenacity", "urllib3", "s3transfer", "jmespath"}
