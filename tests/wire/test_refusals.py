"""Hostile and mistaken input, and AWS saying no to each call: the exit code, the next step, and an untouched alias."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.wire.conftest import answering, until
from tests.wire.proxy import Answer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.wire.conftest import Function, Ran, Shell
    from tests.wire.proxy import Wire

FAST = ("--strategy", "50%:1s,100%:1s", "--look-every", "1s", "--yes")


def error(ran: Ran) -> dict[str, str]:
    found: dict[str, str] = ran.envelope["errors"][0]
    return found


@pytest.mark.parametrize(
    ("words", "code", "slug", "says"),
    [
        (("release", "nosuch:live", "--to", "2"), 3, "not-found", "region"),
        (("release", "{name}:nosuch", "--to", "2"), 3, "not-found", "region"),
        (("release", "{name}", "--to", "2"), 2, "invalid-target", "{name}:live"),
        (("release", "{name}:$LATEST", "--to", "2"), 2, "invalid-target", "alias"),
        (("release", "{name}:2", "--to", "2"), 2, "invalid-target", "--to 2"),
        (("release", "{target}", "--to", "$LATEST"), 2, "invalid-version", "publish"),
        (("release", "{target}", "--to", "two"), 2, "invalid-version", "versions"),
        (("release", "{target}", "--to", "99"), 3, "blocked", "versions"),
        (
            (
                "release",
                "{target}",
            ),
            2,
            "usage",
            "--to VERSION",
        ),
        (("release", "{target}", "--to", "2", "--zip", "x.zip"), 2, "invalid-file", "path"),
        (("release", "{target}", "--to", "2", "--strategy", "canry"), 2, "unknown-strategy", "canary"),
        (("release", "{target}", "--to", "2", "--strategy", "50%:1s,20%:1s,100%:1s"), 2, "invalid-stages", "more"),
        (("release", "{target}", "--to", "2", "--strategy", "50%:1s,120%:1s"), 2, "invalid-stages", "share"),
        (("release", "{target}", "--to", "2", "--strategy", "50%:1s"), 2, "invalid-stages", "100%"),
        (("release", "{target}", "--to", "2", "--bake", "5"), 2, "invalid-duration", "45s"),
        (("release", "{target}", "--to", "2", "--alarm", "nosuch"), 3, "blocked", "describe-alarms"),
        (("release", "{target}", "--zip", "/nonexistent.zip"), 2, "invalid-file", "path"),
        (("release", "{target}", "--zip", "{text}"), 2, "invalid-file", "zip"),
        (("release", "{target}", "--s3", "bucket/key"), 2, "usage", "s3://BUCKET"),
        (("rollback", "{target}"), 3, "rollback-target-unknown", "--to VERSION"),
        (("rollback", "{target}", "--to", "99"), 3, "not-found", "name"),
        (("publish", "nosuch", "--zip", "{zip}"), 3, "not-found", "region"),
        (("publish", "{name}"), 2, "usage", "--zip"),
        (("history", "nosuch:live"), 3, "not-found", "audit list"),
    ],
)
def test_mistakes(
    function: Function,
    shell: Shell,
    wire: Wire,
    tmp_path: Path,
    words: tuple[str, ...],
    code: int,
    slug: str,
    says: str,
) -> None:
    (tmp_path / "text.zip").write_text("not a zip")
    (tmp_path / "good.zip").write_bytes(answering("x"))
    names = {
        "name": function.name,
        "target": function.target,
        "text": str(tmp_path / "text.zip"),
        "zip": str(tmp_path / "good.zip"),
    }
    yes = ("--yes",) if words[0] in ("release", "publish") else ()
    ran = shell(*(word.format(**names) for word in words), *yes, "--output", "json")
    assert (ran.code, error(ran)["code"]) == (code, slug), ran.out
    assert says.format(**names) in error(ran)["hint"] + error(ran)["message"]
    assert function.alias() == ("1", {})
    assert wire.writes in ([], ["UpdateAlias"])  # the second is the one that AWS itself refused


def test_the_same_version_again_is_already_done(function: Function, shell: Shell, wire: Wire) -> None:
    ran = shell("release", function.target, "--to", "1", *FAST, "--output", "json")
    assert (ran.code, ran.data["changed"]) == (0, False)
    assert wire.writes == []


def test_an_alarm_already_in_alarm_blocks_unless_ignored(function: Function, shell: Shell, wire: Wire) -> None:
    alarm = function.alarm()
    function.clients("cloudwatch").put_composite_alarm(AlarmName=f"{alarm}-all", AlarmRule=f'ALARM("{alarm}")')
    function.wait_for(alarm, "OK")
    function.clients("cloudwatch").set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="drill")
    both = ("--alarm", alarm, "--alarm", f"{alarm}-all")
    blocked = shell("release", function.target, "--to", "2", *both, *FAST, "--output", "json")
    assert (blocked.code, wire.writes) == (3, [])
    levels = {finding["message"].split()[0]: finding["level"] for finding in blocked.data["findings"]}
    assert (levels["metric"], levels["composite"]) == ("block", "block")
    ignored = ("--ignore-alarm", alarm, "--ignore-alarm", f"{alarm}-all")
    assert shell("release", function.target, "--to", "2", *ignored, *FAST).code == 0


def test_an_alarm_that_fires_and_recovers_between_looks_is_noticed(function: Function, shell: Shell) -> None:
    alarm = function.alarm()
    function.wait_for(alarm, "OK")
    process = shell.start("release", function.target, "--to", "2", "--alarm", alarm, "--look-every", "3s", "--yes")
    until(lambda: function.alias() != ("1", {}))
    cloudwatch = function.clients("cloudwatch")
    cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="blip")
    cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="OK", StateReason="over")
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 4
    # A look that falls between the two calls sees it directly; one that does not sees the time of the change only.
    assert "left OK and came back" in out or "ALARM since" in out
    assert function.alias() == ("1", {})


DENIED = Answer(403, "AccessDeniedException", "User is not authorized to perform this")
EXPIRED = Answer(403, "ExpiredTokenException", "The security token included in the request is expired")
THROTTLED = Answer(429, "TooManyRequestsException", "Rate exceeded")
RESET = Answer(0, "")


def _copy(answer: Answer) -> Answer:
    return Answer(answer.status, answer.code, answer.message)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("GetAlias", 8),
        ("GetFunction", 8),
        ("DescribeAlarms", 8),
        ("GetCallerIdentity", 8),
        ("UpdateAlias", 8),
        ("ListEventSourceMappings", 0),
        ("GetPolicy", 0),
        ("GetProvisionedConcurrencyConfig", 0),
    ],
)
def test_each_call_denied(function: Function, shell: Shell, wire: Wire, call: str, code: int) -> None:
    alarm = function.alarm()
    function.wait_for(alarm, "OK")
    wire.answers[call] = _copy(DENIED)
    ran = shell("release", function.target, "--to", "2", "--alarm", alarm, *FAST, "--output", "json")
    assert ran.code == code, ran.out
    if code:
        assert error(ran)["code"] == "access-denied"
        assert call in error(ran)["hint"]
        assert error(ran)["request_id"] == "req-injected"
        assert function.alias() == ("1", {})
    else:
        assert "unknown" in ran.err
        assert function.alias() == ("2", {})


@pytest.mark.parametrize("call", ["GetAlias", "GetFunction", "DescribeAlarms", "GetCallerIdentity"])
def test_each_read_throttled_to_the_end(function: Function, shell: Shell, wire: Wire, call: str) -> None:
    alarm = function.alarm()
    wire.answers[call] = _copy(THROTTLED)
    function.wait_for(alarm, "OK")
    ran = shell("release", function.target, "--to", "2", "--alarm", alarm, *FAST, "--output", "json")
    assert (ran.code, error(ran)["code"]) == (8, "throttled"), ran.out
    assert 1 < wire.calls.count(call) <= 4, "tried again, but not for ever"
    assert function.alias() == ("1", {})


@pytest.mark.parametrize("call", ["GetAlias", "UpdateAlias"])
def test_a_rollback_gets_through_a_throttle(function: Function, shell: Shell, wire: Wire, call: str) -> None:
    function.point("1", {"2": 0.5})
    wire.answers[call] = Answer(429, "TooManyRequestsException", times=5)
    assert shell("rollback", function.target).code == 0
    assert function.alias() == ("1", {})


def test_a_rollback_that_is_denied_says_act_now(function: Function, shell: Shell, wire: Wire) -> None:
    function.point("1", {"2": 0.5})
    wire.answers["UpdateAlias"] = _copy(DENIED)
    ran = shell("rollback", function.target, "--output", "json")
    assert (ran.code, error(ran)["code"]) == (5, "rollback-incomplete")
    assert "--to 1" in error(ran)["hint"]


@pytest.mark.parametrize(("answer", "slug"), [(EXPIRED, "credentials-expired"), (RESET, "unreachable")])
def test_credentials_and_network(function: Function, shell: Shell, wire: Wire, answer: Answer, slug: str) -> None:
    wire.answers["GetAlias"] = _copy(answer)
    ran = shell("release", function.target, "--to", "2", *FAST, "--output", "json")
    assert (ran.code, error(ran)["code"]) == (8, slug)
    assert error(ran)["hint"]
    assert wire.writes == []


@pytest.mark.parametrize(
    ("variables", "slug"),
    [
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true"}, "no-credentials"),
        ({"AWS_REGION": "", "AWS_DEFAULT_REGION": ""}, "no-region"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "unreachable"),
        ({"AWS_ENDPOINT_URL": "no url"}, "unreachable"),
        ({"AWS_PROFILE": "nosuch"}, "no-credentials"),
    ],
)
def test_a_bad_environment(function: Function, shell: Shell, variables: dict[str, str], slug: str) -> None:
    shell.variables = variables
    ran = shell("rollback", function.target, "--output", "json")
    assert (ran.code, error(ran)["code"]) == (8, slug), ran.out
    assert error(ran)["hint"]


def test_the_wrong_region_has_no_such_function(function: Function, shell: Shell) -> None:
    ran = shell("release", function.target, "--to", "2", "--region", "eu-west-1", *FAST, "--output", "json")
    assert (ran.code, error(ran)["code"]) == (3, "not-found")
    assert "region" in error(ran)["hint"]


def test_an_answer_that_is_not_aws_s_is_an_error_with_a_next_step(function: Function, shell: Shell, wire: Wire) -> None:
    """A captive portal or a proxy answers with a page of its own."""
    wire.answers["GetCallerIdentity"] = Answer(200, "", "")
    ran = shell("release", function.target, "--to", "2", *FAST, "--output", "json")
    assert (ran.code, error(ran)["code"]) == (8, "unreachable")
    assert wire.writes == []


def test_no_terminal_and_no_yes_changes_nothing(function: Function, shell: Shell, wire: Wire) -> None:
    ran = shell("release", function.target, "--to", "2", "--output", "json")
    assert (ran.code, error(ran)["code"]) == (3, "not-confirmed")
    assert wire.writes == []


@pytest.mark.parametrize("words", [(), ("--nosuch",), ("nosuch",), ("release",), ("release", "a:b", "--output", "xml")])
def test_usage_errors_exit_2_and_speak_json(shell: Shell, words: tuple[str, ...]) -> None:
    ran = shell(*words, "--output", "json") if "--output" not in words else shell(*words)
    assert ran.code == 2
    if words[-1:] != ("xml",):
        assert ran.envelope["errors"][0]["code"] == "usage"
