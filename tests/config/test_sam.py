"""What a SAM template says, and where it stands when it says nothing that can be used."""

from __future__ import annotations

import json
from textwrap import dedent, indent
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambdaops.config.sam import survey_template
from lambdaops.core.errors import ExitCode, InvalidFileError
from lambdaops.core.survey import FoundAlarm, FoundTarget, Skipped, Survey

if TYPE_CHECKING:
    from pathlib import Path

ORDERS = """\
Resources:
  Orders:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: orders
      AutoPublishAlias: live
"""


def read(tmp_path: Path, text: str, name: str = "template.yaml") -> Survey:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return survey_template(path)


def orders(tmp_path: Path, preference: str = "", more: str = "") -> FoundTarget:
    """The function orders with this DeploymentPreference, in a template with these other parts."""
    given = f"      DeploymentPreference:\n{indent(dedent(preference), ' ' * 8)}" if preference else ""
    (found,) = read(tmp_path, f"{ORDERS}{given}\n{dedent(more)}").targets
    assert (found.function, found.alias) == ("orders", "live")
    return found


FULL = """\
AWSTemplateFormatVersion: 2010-09-09
Transform: AWS::Serverless-2016-10-31
Parameters:
  Stage: {Type: String, Default: prod}
  Size: {Type: Number}
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
Globals:
  Function:
    Runtime: python3.13
    AutoPublishAlias: live
    DeploymentPreference:
      Type: Canary10Percent5Minutes
      Alarms: [!Ref Account]
      Role: !GetAtt CodeDeployRole.Arn
Resources:
  Account:
    Type: AWS::CloudWatch::Alarm
    Properties: {AlarmName: !Sub 'account-${Stage}'}
  Errors:
    Type: AWS::CloudWatch::Alarm
    Properties: {MetricName: Errors}
  Health:
    Type: AWS::CloudWatch::CompositeAlarm
    Properties: {AlarmName: orders-health, AlarmRule: !Sub 'ALARM("${Errors}")'}
  Orders:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: !Sub orders-${Stage}
      DeploymentPreference:
        Type: Linear10PercentEvery1Minute
        Alarms:
          - !Ref Health
          - !Ref Errors
          - orders-latency
        Hooks: {PreTraffic: !Ref Check}
  Carts:
    Type: AWS::Serverless::Function
    Properties:
      AutoPublishAlias: blue
  Plain:
    Type: AWS::Lambda::Function
  Api:
    Type: AWS::Serverless::Api
"""


def test_a_whole_template(tmp_path: Path) -> None:
    found = read(tmp_path, FULL)
    assert found.source == str(tmp_path / "template.yaml")
    assert (found.account, found.region, found.notes) == ("", "", ())
    role = "Role is CodeDeploy's: lambdaops acts with the rights of whoever runs it"
    unnamed = "CloudFormation names this function: put the deployed name here instead of the logical id"
    assert found.targets == (
        FoundTarget(
            "orders-prod",
            "live",
            (
                FoundAlarm("account-prod"),
                FoundAlarm("orders-health"),
                FoundAlarm("Errors", "CloudFormation names it: put the deployed name here", usable=False),
                FoundAlarm("orders-latency"),
            ),
            "Linear10PercentEvery1Minute",
            (
                "Hooks: lambdaops has no hooks: consider a manual gate (hold in the strategy) or a playbook",
                role,
            ),
        ),
        FoundTarget("Carts", "blue", (FoundAlarm("account-prod"),), "Canary10Percent5Minutes", (unnamed, role)),
    )
    assert found.skipped == (Skipped("Plain", "is an AWS::Lambda::Function, which publishes no alias by itself"),)


def test_json_with_tabs_and_long_forms(tmp_path: Path) -> None:
    text = """{
\t"Resources": {
\t\t"Health": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"AlarmName": "orders\\u002dhealth"}},
\t\t"Orders": {
\t\t\t"Type": "AWS::Serverless::Function",
\t\t\t"Properties": {
\t\t\t\t"FunctionName": "orders", "AutoPublishAlias": "live",
\t\t\t\t"DeploymentPreference": {
\t\t\t\t\t"Type": "AllAtOnce",
\t\t\t\t\t"Alarms": {"Fn::If": ["IsProd", [{"Ref": "Health"}], [{"Ref": "AWS::NoValue"}]]}
\t\t\t\t}
\t\t\t}
\t\t}
\t}
}"""
    (found,) = read(tmp_path, text, "template.json").targets
    assert (found.function, found.strategy) == ("orders", "AllAtOnce")
    assert found.alarms == (FoundAlarm("orders-health", "only if IsProd"),)


# -- strategy ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["AllAtOnce", "Canary10Percent30Minutes", "Linear10PercentEvery10Minutes", "CodeDeployDefault.LambdaAllAtOnce"],
)
def test_codedeploys_names_are_taken_over(tmp_path: Path, name: str) -> None:
    found = orders(tmp_path, f"Type: {name}")
    assert (found.strategy, found.notes) == (name, ())


@pytest.mark.parametrize(
    ("preference", "strategy", "note"),
    [
        ("Type: MyOwn", "", "Type MyOwn is a deployment configuration of your own: write its stages as a strategy"),
        ("Type: canary", "", "Type canary is a deployment configuration of your own: write its stages as a strategy"),
        ("Type: !Ref Unknown", "", "Type is !Ref Unknown, which only a deployment knows: say the strategy here"),
        ("Type: !Ref Speed", "AllAtOnce", ""),
        ("Type: !If [C, AllAtOnce, MyOwn]", "AllAtOnce", "Type depends on C: taken as it is with it"),
        (
            "Type: !If [C, !Ref AWS::NoValue, AllAtOnce]",
            "AllAtOnce",
            "Type depends on C: taken as it is without it",
        ),
        ("Enabled: false", "all-at-once", "DeploymentPreference is not enabled: SAM shifts all its traffic at once"),
        ("Enabled: 'No'", "all-at-once", "DeploymentPreference is not enabled: SAM shifts all its traffic at once"),
        ("Enabled: true\nType: AllAtOnce", "AllAtOnce", ""),
        ("Enabled: !Ref On\nType: AllAtOnce", "AllAtOnce", "Enabled is !Ref On: taken as true"),
        ("Alarms: []", "", ""),
        ("Type: !Ref Own", "linear:20%:3m", ""),
        ("Type: !Ref OwnCanary", "canary:5%:15m", ""),
        ("Type: !Ref Broken", "", "Type is !Ref Broken, which only a deployment knows: say the strategy here"),
        ("PassthroughCondition: true", "", "PassthroughCondition has no counterpart"),
        ("TriggerConfigurations: []", "", "see notify in lambdaops.yaml"),
        ("Typo: x", "", "DeploymentPreference.Typo is not known here"),
    ],
)
def test_strategy(tmp_path: Path, preference: str, strategy: str, note: str) -> None:
    more = """\
      Own:
        Type: AWS::CodeDeploy::DeploymentConfig
        Properties:
          TrafficRoutingConfig: {TimeBasedLinear: {LinearInterval: 3, LinearPercentage: 20}}
      OwnCanary:
        Type: AWS::CodeDeploy::DeploymentConfig
        Properties:
          TrafficRoutingConfig: {TimeBasedCanary: {CanaryInterval: 15, CanaryPercentage: 5}}
      Broken:
        Type: AWS::CodeDeploy::DeploymentConfig
        Properties:
          TrafficRoutingConfig: {TimeBasedCanary: {CanaryInterval: soon, CanaryPercentage: 5}}
    Parameters:
      Speed: {Type: String, Default: AllAtOnce}
    """
    found = orders(tmp_path, preference, more)
    assert found.strategy == strategy
    assert (note in " ".join(found.notes)) if note else found.notes == ()


def test_no_deployment_preference(tmp_path: Path) -> None:
    found = orders(tmp_path)
    assert found.strategy == ""
    assert found.notes == ("it has no DeploymentPreference: SAM shifts all its traffic at once",)


def test_a_deployment_preference_that_depends(tmp_path: Path) -> None:
    found = orders(tmp_path, "Fn::If: [C, !Ref AWS::NoValue, {Type: AllAtOnce}]")
    assert (found.strategy, found.notes) == (
        "AllAtOnce",
        ("DeploymentPreference depends on C: taken as it is without it",),
    )


# -- alarms ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("alarms", "expected"),
    [
        ("[a, b, a]", [FoundAlarm("a"), FoundAlarm("b")]),
        ("", []),
        ("a", [FoundAlarm("a")]),
        ("[!If [C, a, !Ref AWS::NoValue], b]", [FoundAlarm("a", "only if C"), FoundAlarm("b")]),
        ("!If [C, [a], [b, c]]", [FoundAlarm("a", "only if C"), *(FoundAlarm(n, "only if not C") for n in "bc")]),
        ("!If [C, [!If [D, a, b]], []]", [FoundAlarm("a", "only if C and D"), FoundAlarm("b", "only if C and not D")]),
        ("[!If [C, a, a]]", [FoundAlarm("a", "only if C")]),
        ("[!If [C, a, b], a]", [FoundAlarm("a"), FoundAlarm("b", "only if not C")]),
        ("[!Ref Named]", [FoundAlarm("named")]),
        ("[!Ref Subbed]", [FoundAlarm("x-prod")]),
        (
            "[!Ref Stacked]",
            [FoundAlarm("Stacked", "AlarmName is !Sub ${AWS::StackName}-x: put the deployed name here", usable=False)],
        ),
        (
            "[!Ref Gone]",
            [FoundAlarm("!Ref Gone", "only a deployment knows its name", usable=False)],
        ),
        (
            "[!If [C, !ImportValue x, b]]",
            [
                FoundAlarm("!ImportValue x", "only if C; only a deployment knows its name", usable=False),
                FoundAlarm("b", "only if not C"),
            ],
        ),
        ("[!Ref Stage]", [FoundAlarm("prod")]),
        ("[!Sub 'a-${!Literal}']", [FoundAlarm("a-${Literal}")]),
        (
            "[TargetTracking-x]",
            [FoundAlarm("TargetTracking-x", "drives auto scaling, says nothing of health", usable=False)],
        ),
    ],
)
def test_alarms(tmp_path: Path, alarms: str, expected: list[FoundAlarm]) -> None:
    more = """\
      Named: {Type: AWS::CloudWatch::Alarm, Properties: {AlarmName: named}}
      Subbed: {Type: AWS::CloudWatch::Alarm, Properties: {AlarmName: !Sub 'x-${Stage}'}}
      Stacked: {Type: AWS::CloudWatch::Alarm, Properties: {AlarmName: !Sub '${AWS::StackName}-x'}}
    Parameters:
      Stage: {Type: String, Default: prod}
    """
    assert list(orders(tmp_path, f"Alarms: {alarms}", more).alarms) == expected


# -- names -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("properties", "function", "alias", "note"),
    [
        ("{AutoPublishAlias: live}", "Fn", "live", "CloudFormation names this function"),
        ("{FunctionName: !Ref Unset, AutoPublishAlias: live}", "Fn", "live", "FunctionName is !Ref Unset"),
        ("{FunctionName: !Ref Stage, AutoPublishAlias: live}", "prod", "live", ""),
        ("{FunctionName: f, AutoPublishAlias: !Ref Stage}", "f", "prod", ""),
        ("{FunctionName: f, AutoPublishAlias: !Ref Unset}", "f", "live", "AutoPublishAlias is !Ref Unset"),
        ("{FunctionName: f, AutoPublishAlias: !Join ['', [a, b]]}", "f", "live", "is !Join [, [a, b]], which only"),
    ],
)
def test_names(tmp_path: Path, properties: str, function: str, alias: str, note: str) -> None:
    text = f"""\
    Parameters: {{Stage: {{Default: prod}}, Unset: {{Type: String}}}}
    Resources:
      Fn: {{Type: AWS::Serverless::Function, Properties: {properties}}}
    """
    (found,) = read(tmp_path, dedent(text)).targets
    assert (found.function, found.alias) == (function, alias)
    assert note in " ".join(found.notes)


@pytest.mark.parametrize("properties", ["", "Properties: ", "Properties: {AutoPublishAlias: }"])
def test_without_an_alias_there_is_nothing_to_shift(tmp_path: Path, properties: str) -> None:
    found = read(tmp_path, f"Resources:\n  Fn:\n    Type: AWS::Serverless::Function\n    {properties}\n")
    why = "has no AutoPublishAlias: callers run $LATEST, and there is no traffic to shift"
    assert (found.targets, found.skipped) == ((), (Skipped("Fn", why),))


def test_what_is_not_looked_at_is_said(tmp_path: Path) -> None:
    text = """\
    Resources:
      Fn::ForEach::Each: [Name, [a, b], {}]
      Included: {Fn::Transform: {Name: AWS::Include}}
      A: {Condition: C, Type: AWS::Serverless::Function, Properties: {FunctionName: f, AutoPublishAlias: live}}
      B: {Type: AWS::Serverless::Function, Properties: {FunctionName: f, AutoPublishAlias: blue}}
    """
    found = read(tmp_path, dedent(text))
    path = tmp_path / "template.yaml"
    assert found.notes == (
        f"{path}:2:22: Fn::ForEach::Each is not expanded: what it makes is not here",
        f"{path}:3:13: Included has no Type: it is not looked at",
    )
    (target,) = found.targets
    assert target.alias == "live"
    assert target.notes[0] == "it exists only if C"


# -- what cannot be used -----------------------------------------------------------------------------------------------


BOMB = "a: &a [x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)
)


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        ("", "1:1", "empty"),
        ("# nothing\n", "1:1", "empty"),
        ("- a\n", "1:1", "mapping"),
        ("just text", "1:1", "mapping"),
        ("Resources: [a]", "1:12", "mapping of logical ids"),
        ("Conditions: {}", "1:1", "has Resources"),
        ("Resources:\n  A: x\n", "2:6", "resource A must be a mapping"),
        ("Globals: []\nResources: {}", "1:10", "Globals must be a mapping"),
        ("Resources:\n\tA: x", "2:1", "cannot start any token"),
        ("Resources: {A: [}", "1:17", "expected"),
        ("a: 1\nb: 2\na: 3\n", "3:1", "'a' stands here twice"),
        ("a: 'open\n", "2:1", "unexpected end"),
        ("a: 1\n---\nb: 2\n", "2:1", "another document"),
        ("a: !!python/object/apply:os.system [id]", "1:4", "not CloudFormation's"),
        ("? [a]\n: b", "1:3", "a key must be text"),
        ("<<: x", "1:1", "takes a mapping"),
        ("a: &a [*a]", "1:4", "contains itself"),
        ("a: *gone", "1:4", "undefined alias"),
        ('a: "\\UFFFFFFFF"', "1:1", "not YAML"),
        ("a: \x07", "1:4", "U+0007"),
        ("[" * 5000, "1:101: ", "nests too deeply"),
        ("- " * 5000, "1:1", "nests too deeply"),
        ("a: " + "[" * 120 + "]" * 120, "1:10", "nests too deeply"),
        (BOMB, "1:", "anchors repeat"),
        (f"{ORDERS}      DeploymentPreference: [x]", "7:29", "Orders.DeploymentPreference must be a mapping"),
        (f"{ORDERS}      DeploymentPreference: {{Alarms: !If [C, a]}}", "7:38", "Fn::If takes"),
        (ORDERS.replace("live", "'3'"), "6:25", "names version 3"),
        (ORDERS.replace("live", "$LATEST"), "6:25", "$LATEST"),
        (ORDERS.replace(": orders", ": or/ders"), "5:21", "not a function name"),
    ],
)
def test_hostile_templates(tmp_path: Path, text: str, where: str, says: str) -> None:
    with pytest.raises(InvalidFileError) as caught:
        read(tmp_path, text)
    assert caught.value.exit_code is ExitCode.USAGE
    assert caught.value.message.startswith(f"{tmp_path / 'template.yaml'}:{where}")
    assert says in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"a: 1\nb: \xe9\n", ":2:4: this is not UTF-8"),
        ("a: b".encode("utf-16"), ":1:1: this is not UTF-8"),
        (b"a" * (1024 * 1024 + 1), "larger than 1 MB"),
    ],
)
def test_hostile_bytes(tmp_path: Path, data: bytes, says: str) -> None:
    (tmp_path / "t").write_bytes(data)
    with pytest.raises(InvalidFileError, match=says):
        survey_template(tmp_path / "t")


def test_a_byte_order_mark_is_no_character(tmp_path: Path) -> None:
    (tmp_path / "t").write_bytes(b"\xef\xbb\xbf" + ORDERS.encode())
    assert len(survey_template(tmp_path / "t").targets) == 1


def test_a_template_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError, match="No such file") as caught:
        survey_template(tmp_path / "gone.yaml")
    assert "--template" in caught.value.hint
    with pytest.raises(InvalidFileError, match="Is a directory"):
        survey_template(tmp_path)


def test_halves_of_a_character_become_one_or_none(tmp_path: Path) -> None:
    text = '{"Resources": {"A": {"Type": "AWS::Serverless::Function", "Properties": {"FunctionName": "f", '
    text += '"AutoPublishAlias": "a", "DeploymentPreference": {"Alarms": ["\\ud83d\\ude00", "x\\ud83d"]}}}}}'
    assert [alarm.name for alarm in read(tmp_path, text).targets[0].alarms] == ["😀", "x\ufffd"]


def test_merge_keys(tmp_path: Path) -> None:
    text = """\
    x: &base {Type: AWS::Serverless::Function, Properties: {AutoPublishAlias: live}}
    Resources:
      A: {<<: *base}
      B: {<<: [*base, {Type: AWS::Other}]}
      C: {<<: *base, Type: AWS::Other}
    """
    assert [target.function for target in read(tmp_path, dedent(text)).targets] == ["A", "B"]


def test_a_long_value_is_told_in_short(tmp_path: Path) -> None:
    found = orders(tmp_path, f"Type: !Foo {'x' * 5000}")
    assert len(found.notes[0]) < 250


WORDS = ["Resources", "Type", "AWS::Serverless::Function", "Properties", "AutoPublishAlias", "DeploymentPreference"]
VALUES = ["Alarms", "Enabled", "Hooks", "Ref", "Fn::If", "live", "<<", "---", "!If ", "!Ref ", "&a ", "*a"]
SIGNS = [": ", "[", "]", "{", "}", ", ", "\n", "  ", "- ", "'", "? ", "|", ">", "\t", "\ufeff", "é", "%", "!"]
PIECES = st.sampled_from([*WORDS, *VALUES, *SIGNS])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PIECES, max_size=40).map("".join))
def test_anything_else_is_read_or_refused(tmp_path: Path, text: str) -> None:
    assert refusal(tmp_path, text).startswith(str(tmp_path))


def refusal(tmp_path: Path, text: str) -> str:
    try:
        return read(tmp_path, text).source
    except InvalidFileError as error:
        return error.message


TREES = st.recursive(
    st.sampled_from(["x", "live", "AWS::NoValue", "$LATEST", "", "true"]),
    lambda parts: (
        st.lists(parts, max_size=3)
        | st.dictionaries(st.sampled_from(["Ref", "Fn::If", "Fn::Sub", "Type", "Alarms", "a"]), parts, max_size=2)
    ),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TREES, TREES, TREES, TREES)
def test_any_values_are_read_or_refused(
    tmp_path: Path, name: object, alias: object, preference: object, common: object
) -> None:
    properties = {"FunctionName": name, "AutoPublishAlias": alias, "DeploymentPreference": preference}
    template = {
        "Globals": {"Function": {"DeploymentPreference": common}},
        "Resources": {"A": {"Type": "AWS::Serverless::Function", "Properties": properties}},
    }
    assert refusal(tmp_path, json.dumps(template)).startswith(str(tmp_path))
