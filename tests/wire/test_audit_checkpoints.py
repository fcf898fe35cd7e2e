"""Anchors in a bucket: what S3 itself refuses, what it keeps, and what verifying finds when somebody had the keys."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from lambdaops.core.audit.checkpoint import name_of
from lambdaops.store.files import FileJournals
from tests.store.homes import append
from tests.store.records import ARN
from tests.wire.proxy import Answer

if TYPE_CHECKING:
    from tests.wire.conftest import Clients, Shell
    from tests.wire.proxy import Wire

PERMISSIONS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "docs" / "permissions.json").read_text("utf-8"))
_numbers = itertools.count(1)


@pytest.fixture
def bucket(clients: Clients) -> str:
    """A bucket with Object Lock, and no rule of its own."""
    name = f"audit-{next(_numbers)}"
    clients("s3").create_bucket(
        Bucket=name,
        ObjectLockEnabledForBucket=True,
        CreateBucketConfiguration={"LocationConstraint": "eu-central-1"},
    )
    return name


def write(shell: Shell, count: int) -> Path:
    journal = FileJournals(shell.home).open(ARN)
    append(journal, count)
    return journal.path


def granted(command: str) -> set[str]:
    rows = [row for name in PERMISSIONS["commands"][command] for row in PERMISSIONS["sets"][name]]
    return {row["call"] for row in rows if row["call"] and row.get("when") != "--kms"}


def test_from_writing_to_finding_a_cut(shell: Shell, wire: Wire, bucket: str, clients: Clients, tmp_path: Path) -> None:
    to = f"s3://{bucket}/team"
    key = str(tmp_path / "audit.pem")
    assert shell("audit", "keygen", key).code == 0
    signed = ("--sign-with", key, "--retain-days", "30")
    path = write(shell, 3)
    first = shell("audit", "checkpoint", "--to", to, *signed, "--output", "json")
    assert (first.code, first.data["number"]) == (0, 1), first.err
    assert set(wire.calls) == granted("audit checkpoint") - {"GetObject"}
    path = write(shell, 2)
    wire.calls.clear()
    assert shell("audit", "checkpoint", "--to", to, *signed).code == 0
    assert set(wire.calls) == granted("audit checkpoint")
    write(shell, 1)
    held = clients("s3").get_object_retention(Bucket=bucket, Key=f"team/{name_of(2)}")["Retention"]
    assert held["Mode"] == "GOVERNANCE"
    assert held["RetainUntilDate"] > datetime.now(UTC) + timedelta(days=29)
    against = ("audit", "verify", "--against", to, "--public-key", f"{key}.pub")
    wire.calls.clear()
    good = shell(*against, "--output", "json")
    assert good.code == 0, good.err
    assert set(wire.calls) == granted("audit verify --against")
    (report,) = good.data["journals"]
    assert (report["kind"], report["anchored"], report["unanchored"]) == ("valid", 5, 1)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:4]))
    bad = shell(*against)
    assert bad.code == 2
    assert "INVALID: truncated" in bad.out
    assert "4 intact records of 5" in bad.out
    assert "up to 3 by checkpoint 1" in bad.out
    refused = shell("audit", "checkpoint", "--to", to, *signed, "--output", "json")
    assert refused.envelope["errors"][0]["code"] == "anchor-broken"


def test_s3_itself_keeps_one_of_a_number(shell: Shell, bucket: str, clients: Clients) -> None:
    write(shell, 1)
    assert shell("audit", "checkpoint", "--to", f"s3://{bucket}").code == 0
    with pytest.raises(ClientError) as caught:
        clients("s3").put_object(Bucket=bucket, Key=name_of(1), Body=b"x", IfNoneMatch="*")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412


def test_of_many_at_once_each_gets_what_it_was_told(shell: Shell, bucket: str, clients: Clients) -> None:
    """They read the same newest one; S3 takes one of a number, and two of the same second may say the very same."""
    write(shell, 1)
    to = f"s3://{bucket}/team"
    started = [shell.start("audit", "checkpoint", "--to", to, "--output", "json") for _ in range(4)]
    answers = [json.loads(one.communicate(timeout=60)[0]) for one in started]
    assert [answer["errors"] for answer in answers] == [[]] * 4
    told = [answer["data"] for answer in answers]
    assert {one["number"] for one in told} == set(range(1, max(one["number"] for one in told) + 1))
    for one in told:
        there = clients("s3").get_object(Bucket=bucket, Key=f"team/{name_of(one['number'])}")["Body"].read()
        assert sha256(there).hexdigest() == one["digest"]
    assert shell("audit", "verify", "--against", to).code == 0


def test_an_answer_that_is_lost_is_no_other_s_checkpoint(shell: Shell, wire: Wire, bucket: str) -> None:
    """It took effect; the second try is refused because of the first."""
    write(shell, 1)
    wire.answers["PutObject"] = Answer(0, "", times=1, after=True)
    ran = shell("audit", "checkpoint", "--to", f"s3://{bucket}", "--output", "json")
    assert (ran.code, ran.data["number"]) == (0, 1), ran.err
    assert wire.calls.count("PutObject") == 2


def test_a_conflict_is_tried_again(shell: Shell, wire: Wire, bucket: str) -> None:
    write(shell, 1)
    wire.answers["PutObject"] = Answer(409, "ConditionalRequestConflict", times=1)
    assert shell("audit", "checkpoint", "--to", f"s3://{bucket}").code == 0


def test_what_is_not_there(shell: Shell, bucket: str) -> None:
    write(shell, 1)
    none = shell("audit", "verify", "--against", f"s3://{bucket}/empty", "--output", "json")
    assert (none.code, none.envelope["errors"][0]["code"]) == (2, "anchor-broken")
    gone = shell("audit", "checkpoint", "--to", "s3://no-such-bucket-here", "--output", "json")
    assert (gone.code, gone.envelope["errors"][0]["code"]) == (3, "not-found")


def test_a_checkpoint_that_is_deleted_is_found(shell: Shell, bucket: str, clients: Clients) -> None:
    to = f"s3://{bucket}/team"
    for _ in range(3):
        write(shell, 1)
        assert shell("audit", "checkpoint", "--to", to).code == 0
    clients("s3").delete_object(Bucket=bucket, Key=f"team/{name_of(2)}")
    ran = shell("audit", "verify", "--against", to)
    assert ran.code == 2
    assert "INVALID: missing  checkpoint 2" in ran.out
    clients("s3").delete_object(Bucket=bucket, Key=f"team/{name_of(3)}")
    assert "INVALID: rolled-back  checkpoint 3" in shell("audit", "verify", "--against", to).out
