"""Where journals are kept, whose they are, and which there are."""

from __future__ import annotations

from pathlib import Path

import platformdirs
import pytest

from lambdaops.core.errors import InvalidFileError, InvalidTargetError
from lambdaops.store.files import FileJournals, default_home
from tests.store.records import ACTOR, ARN, EVENTS, FUNCTION, NOON, OTHER, TellingDisk

CHINA = "arn:aws-cn:lambda:cn-north-1:123456789012:function:orders:live"
GOV = "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:orders"


def write(home: Path, *arns: str) -> None:
    for arn in arns:
        FileJournals(home).open(arn).append(NOON, "r-1", ACTOR, EVENTS[0])


def test_an_alias_and_its_function_have_files_of_their_own(tmp_path: Path) -> None:
    directory = tmp_path / "journal" / "123456789012" / "eu-west-1" / "orders"
    assert FileJournals(tmp_path).open(ARN).path == directory / "live.jsonl"
    assert FileJournals(tmp_path).open(FUNCTION).path == directory / "@function.jsonl"
    write(tmp_path, ARN, FUNCTION, OTHER)
    for arn in (ARN, FUNCTION, OTHER):
        (only,) = FileJournals(tmp_path).open(arn).read().entries
        assert only.target == arn


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "orders:live",
        "orders",
        "arn:aws:lambda:eu-west-1:123456789012:function:orders:..",
        "arn:aws:lambda:eu-west-1:123456789012:function:..:live",
        "arn:aws:lambda:eu-west-1:123456789012:function:..",
        "arn:aws:lambda:eu-west-1:123456789012:function:.",
        "arn:aws:lambda:eu-west-1:123456789012:function:a/b:live",
        "arn:aws:lambda:eu-west-1:123456789012:function:a\\b:live",
        "arn:aws:lambda:eu-west-1:123456789012:function:orders:li/../../ve",
        "arn:aws:lambda:eu-west-1:123456789012:function:orders:live\n",
        "arn:aws:lambda:eu-west-1:123456789012:function:orders\n",
        "arn:aws:lambda:eu-west-1:123456789012:function:orders:li\x00ve",
        "arn:aws:lambda:eu-west-1:123456789012:function:orders:@function",
        "arn:aws:lambda:eu-west-1:123456789012:function:orders:live.jsonl",
        "arn:aws:lambda:eu-west-1:123456789012:function:orders:",
        "arn:aws:lambda:eu-west-1:123456789012:function::live",
        "arn:aws:lambda:eu-west-1:123456789012:function:orders:7",
        "arn:aws:lambda:eu-west-1:123456789012:function:orders:$LATEST",
        "arn:aws:lambda:../..:123456789012:function:orders:live",
        "arn:aws:lambda:eu-west-1:../../..:function:orders:live",
        "arn:aws:lambda:eu-west-1:\u0661\u0662\u0663456789012:function:orders:live",
        "arn:aws:lambda:eu-west-1:123456789012:function:" + "x" * 65 + ":live",
        "arn:aws:lambda:eu-west-1:123456789012:function:orders:" + "x" * 129,
        "arn:aws:s3:eu-west-1:123456789012:function:orders:live",
        "/etc/passwd",
        "../../etc/passwd",
    ],
    ids=repr,
)
def test_text_that_is_no_arn_of_lambda_becomes_no_path(tmp_path: Path, arn: str) -> None:
    with pytest.raises(InvalidTargetError):
        FileJournals(tmp_path).open(arn)
    with pytest.raises(InvalidTargetError):
        FileJournals(tmp_path).drive(arn)
    assert list(tmp_path.iterdir()) == []


def test_aliases_that_would_share_a_file_are_kept_apart(tmp_path: Path) -> None:
    """Where upper and lower case are one, ``Live`` finds the file of ``live``: played here with a link."""
    write(tmp_path, ARN)
    journals = FileJournals(tmp_path)
    upper = journals.open(ARN.replace("live", "Live"))
    upper.path.unlink(missing_ok=True)
    upper.path.hardlink_to(journals.open(ARN).path)
    with pytest.raises(InvalidFileError, match="line 1 belongs to"):
        upper.append(NOON, "r-1", ACTOR, EVENTS[0])
    with pytest.raises(InvalidFileError, match="line 1 belongs to"):
        upper.read()


# -- targets -----------------------------------------------------------------------------------------------------


def test_the_targets_are_those_with_a_journal(tmp_path: Path) -> None:
    arns = (ARN, OTHER, FUNCTION, CHINA, GOV)
    write(tmp_path, *arns)
    assert FileJournals(tmp_path).targets() == tuple(sorted(arns))


def test_a_partition_that_the_region_does_not_tell_is_read_from_the_record(tmp_path: Path) -> None:
    strange = "arn:aws-moon:lambda:mare-1:123456789012:function:orders:live"
    write(tmp_path, strange)
    assert FileJournals(tmp_path).targets() == (strange,)


@pytest.mark.parametrize("content", [b"", b"\n", b"{", b"\x00\xff\n", b"{}\n", b"x" * 100_000], ids=len)
@pytest.mark.parametrize("arn", [ARN, FUNCTION, CHINA, GOV])
def test_a_damaged_journal_is_listed_all_the_same(tmp_path: Path, content: bytes, arn: str) -> None:
    write(tmp_path, arn)
    FileJournals(tmp_path).open(arn).path.write_bytes(content)
    assert FileJournals(tmp_path).targets() == (arn,)


def test_an_unreadable_journal_is_listed_all_the_same(tmp_path: Path) -> None:
    class Refusing(TellingDisk):
        def open(self, path: Path, flags: int) -> int:
            raise PermissionError(13, "Permission denied", str(path))

    write(tmp_path, ARN)
    assert FileJournals(tmp_path, disk=Refusing()).targets() == (ARN,)


def test_a_copy_is_listed_under_the_place_it_stands_in(tmp_path: Path) -> None:
    write(tmp_path, ARN)
    journals = FileJournals(tmp_path)
    journals.open(OTHER).path.write_bytes(journals.open(ARN).path.read_bytes())
    assert journals.targets() == tuple(sorted((ARN, OTHER)))
    with pytest.raises(InvalidFileError, match="line 1 belongs to"):
        journals.verify(OTHER)


def test_what_is_no_journal_is_not_listed(tmp_path: Path) -> None:
    write(tmp_path, ARN)
    place = FileJournals(tmp_path).open(ARN).path.parent
    for name in ("live.jsonl.torn-1", "notes.txt", "notes", ".jsonl", "7.jsonl", "a b.jsonl", "live.jsonl.jsonl"):
        (place / name).write_text("")
    (tmp_path / "journal" / ".DS_Store").write_text("")
    (tmp_path / "journal" / "not-an-account" / "eu-west-1" / "orders").mkdir(parents=True)
    (tmp_path / "journal" / "not-an-account" / "eu-west-1" / "orders" / "live.jsonl").write_text("")
    with FileJournals(tmp_path).drive(ARN):
        assert FileJournals(tmp_path).targets() == (ARN,)


# -- home --------------------------------------------------------------------------------------------------------


def test_the_home_is_the_variables_or_the_users() -> None:
    users = platformdirs.user_state_path("lambdaops", appauthor=False)
    assert default_home({"LAMBDAOPS_HOME": "/srv/ops"}) == Path("/srv/ops")
    assert default_home({}) == users
    assert default_home({"LAMBDAOPS_HOME": ""}) == users
    assert users.name == "lambdaops"


def test_a_user_without_name_and_home_has_the_root_for_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(uid: int) -> object:
        raise KeyError(uid)

    for name in ("HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", nobody)
    assert default_home({}) == Path("/.local/state/lambdaops")


# -- queues ------------------------------------------------------------------------------------------------------

DLQ = "arn:aws:sqs:eu-west-1:123456789012:orders-dlq"
FIFO = "arn:aws:sqs:eu-west-1:123456789012:orders-dlq.fifo"
CHINESE_DLQ = "arn:aws-cn:sqs:cn-north-1:123456789012:orders-dlq"
NAMED_AS_A_FUNCTION = "arn:aws:sqs:eu-west-1:123456789012:orders"


def test_queues_have_files_of_their_own_and_lead_back(tmp_path: Path) -> None:
    directory = tmp_path / "journal" / "123456789012" / "eu-west-1" / "@sqs"
    assert FileJournals(tmp_path).open(DLQ).path == directory / "orders-dlq.jsonl"
    assert FileJournals(tmp_path).open(FIFO).path == directory / "orders-dlq.fifo.jsonl"
    arns = (DLQ, FIFO, CHINESE_DLQ, NAMED_AS_A_FUNCTION, ARN, FUNCTION)
    write(tmp_path, *arns)
    for arn in arns:
        FileJournals(tmp_path).open(arn).path.write_bytes(b"damaged so that only the path tells\n")
    assert FileJournals(tmp_path).targets() == tuple(sorted(arns))
    with FileJournals(tmp_path).drive(DLQ), FileJournals(tmp_path).drive(FIFO):
        assert FileJournals(tmp_path).targets() == tuple(sorted(arns))


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", ".fifo", "a.b", "a/b", "a.fifo.fifo", "a.fifo/..", "a\n", "x" * 81, "x" * 76 + ".fifo", "a:b"],
)
def test_what_is_no_queue_becomes_no_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidTargetError):
        FileJournals(tmp_path).open(f"arn:aws:sqs:eu-west-1:123456789012:{name}")
    assert list(tmp_path.iterdir()) == []


def test_the_longest_queue_has_a_journal(tmp_path: Path) -> None:
    long = DLQ.replace("orders-dlq", "x" * 75 + ".fifo")
    write(tmp_path, long)
    assert FileJournals(tmp_path).targets() == (long,)
