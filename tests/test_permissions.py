"""docs/permissions.json is the truth: the page and the policies say the same. tests/wire/test_iam.py holds the commands
to it. ``UPDATE_GOLDEN=1`` writes tables and policies anew.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from botocore.session import Session

from lambdaops.cli.commands import tree

ROOT = Path(__file__).parent.parent
PERMISSIONS: dict[str, Any] = json.loads((ROOT / "docs" / "permissions.json").read_text("utf-8"))
PAGE = ROOT / "docs" / "iam.md"
# What each policy in examples/iam allows, and which ARNs it speaks of: the rest is added where it is used.
POLICIES = {
    "plan": (["plan"], ["function", "any"]),
    "publish": (["publish"], ["function", "any"]),
    "publish-from-s3": (["publish"], ["code"]),
    "publish-image": (["publish"], ["repository"]),
    "release": (
        ["plan", "release --zip", "resume", "abort", "rollback", "status", "versions"],
        ["function", "any", "log"],
    ),
    "rollback": (["rollback", "abort"], ["function", "any"]),
    "halt": (["halt", "unhalt"], ["function", "mappings", "any"]),
    "look": (["status", "status --all", "versions"], ["function", "functions", "any"]),
    "prune": (["prune --delete"], ["function", "any"]),
    "init": (["init"], ["functions", "any"]),
    "dlq-look": (["dlq list", "dlq inspect", "dlq dump"], ["function", "queues", "queue", "any"]),
    "dlq-redrive": (["dlq redrive", "dlq resume", "dlq cancel"], ["function", "queue", "any"]),
    "dlq-files": (["dlq load", "dlq purge"], ["queue", "any"]),
    "store": (["store copy"], ["table"]),
    "audit-checkpoint": (["audit checkpoint"], ["bucket", "anchors", "key"]),
    "audit-verify": (["audit verify --against"], ["bucket", "anchors"]),
    "notify-sns": (["release"], ["topic"]),
    "notify-eventbridge": (["release"], ["bus"]),
}
# Calls whose permission has another name.
CALLED = {"ListObjectsV2": "ListBucket"}


def rows_of(command: str) -> list[dict[str, str]]:
    """The rows of a command, each action once; what is always needed wins over what sometimes is."""
    found: dict[str, dict[str, str]] = {}
    for name in PERMISSIONS["commands"][command]:
        for row in PERMISSIONS["sets"][name]:
            if row["action"] and "when" in found.get(row["action"], {"when": ""}):
                found[row["action"]] = row
    return list(found.values())


def table_of(command: str) -> str:
    lines = ["| action | on | needed |", "|---|---|---|"]
    for row in rows_of(command):
        arns = " and ".join(f"`{short(arn)}`" for arn in PERMISSIONS["arns"][row["on"]])
        lines.append(f"| `{row['action']}` | {arns} | {'when ' + row['when'] if 'when' in row else 'always'} |")
    return "\n".join(lines) if len(lines) > 2 else "Nothing."


def short(arn: str) -> str:
    """An ARN without partition, service, region and account."""
    return re.sub(r"^arn:aws:[^:]*:[^:]*:[^:]*:", "", arn)


def policy_of(name: str) -> dict[str, Any]:
    commands, places = POLICIES[name]
    rows = [row for command in commands for row in rows_of(command)]
    statements = [
        {
            "Sid": f"Lambdaops{on.title()}",
            "Effect": "Allow",
            "Action": sorted({row["action"] for row in rows if row["on"] == on}),
            "Resource": PERMISSIONS["arns"][on],
        }
        for on in places
    ]
    return {"Version": "2012-10-17", "Statement": [one for one in statements if one["Action"]]}


def kept(path: Path, text: str) -> str:
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    return path.read_text("utf-8")


@pytest.mark.parametrize("name", POLICIES)
def test_the_policies_are_those_permissions(name: str) -> None:
    text = json.dumps(policy_of(name), indent=2) + "\n"
    assert kept(ROOT / "examples" / "iam" / f"{name}.json", text) == text
    assert f"examples/iam/{name}.json" in PAGE.read_text("utf-8")


def test_there_is_no_policy_beside_them() -> None:
    found = {path.stem for path in (ROOT / "examples" / "iam").glob("*.json")}
    assert found - {"trust-github", "trust-gitlab"} == set(POLICIES)


@pytest.mark.parametrize("command", PERMISSIONS["commands"])
def test_the_page_has_every_command_s_table(command: str) -> None:
    page = PAGE.read_text("utf-8")
    wanted = f"### {command}\n\n{table_of(command)}\n"
    written = re.sub(rf"### {re.escape(command)}\n\n(?:\|.*\n|Nothing\.\n)+", lambda _: wanted, page)
    assert wanted in kept(PAGE, written)


def test_the_page_has_no_other_tables() -> None:
    assert re.findall(r"^### (.+)$", PAGE.read_text("utf-8"), re.MULTILINE) == list(PERMISSIONS["commands"])


def test_every_command_that_reaches_aws_is_there() -> None:
    names = set(tree().commands)
    local = {"demo", "sandbox", "config"}  # they have an AWS of their own, or none
    assert names - local == {command.split()[0] for command in PERMISSIONS["commands"]}


def test_every_call_is_an_operation_of_its_service() -> None:
    session = Session()
    for rows in PERMISSIONS["sets"].values():
        for row in rows:
            if not row["call"]:
                continue
            service, _, name = (row["action"] or "sts:GetCallerIdentity").partition(":")
            # A batch needs the permission of what it is a batch of.
            assert name == CALLED.get(row["call"], row["call"].removesuffix("Batch"))
            assert row["call"] in session.get_service_model(service).operation_names


def test_every_row_stands_on_arns_that_there_are() -> None:
    used = {row["on"] for rows in PERMISSIONS["sets"].values() for row in rows}
    assert used == set(PERMISSIONS["arns"])
    sets = {name for names in PERMISSIONS["commands"].values() for name in names}
    assert sets == set(PERMISSIONS["sets"])
