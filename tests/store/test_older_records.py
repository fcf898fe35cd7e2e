"""Records that an older version wrote stay what they are: read, verified, copied to the byte, and written behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdaops.core.model import Actor
from lambdaops.ports import Verified
from lambdaops.store.files import FileJournals
from tests.store.records import ACTOR, ARN, EVENTS, NOON

if TYPE_CHECKING:
    from pathlib import Path

# Written before an actor had ``commit`` and ``tool``.
OLDER = (
    b'{"actor":{"arn":"arn:aws:sts::123456789012:assumed-role/deploy/ann","host":"ci-7","run":"run-1"},'
    b'"at":"2026-08-01T12:00:01.000000Z","data":{"answers":null,"reason":"preflight passed",'
    b'"state":{"is":"ready","since":"2026-08-01T12:00:00.000000Z"}},"kind":"decided","op":null,'
    b'"prev":"0000000000000000000000000000000000000000000000000000000000000000","release":"r-1","seq":1,'
    b'"sum":"5ecd9de90d64720c6c08a8ecee511c398a4c1654a92ce97372efb5d743cac48e",'
    b'"target":"arn:aws:lambda:eu-west-1:123456789012:function:orders:live","v":1}\n'
    b'{"actor":{"arn":"arn:aws:sts::123456789012:assumed-role/deploy/ann","host":"ci-7","run":"run-1"},'
    b'"at":"2026-08-01T12:00:02.000000Z","data":{"before":{"additional":null,"is":"routing","primary":"1","weight":0},'
    b'"desired":{"additional":"2","is":"routing","primary":"1","weight":1000},"reason":"stage 1 of 2",'
    b'"revision":"rev-a","then":{"is":"ready","since":"2026-08-01T12:00:00.000000Z"}},"kind":"intent","op":1,'
    b'"prev":"3626e04ccc64e477fc4e99ab180715d634961224c8eb4d9f0e680a64180e93f5","release":"r-1","seq":2,'
    b'"sum":"3b736cdea4552f5dc62fe18bcc48104a0243ec6ea7e9dec775ad118a1fee9d6a",'
    b'"target":"arn:aws:lambda:eu-west-1:123456789012:function:orders:live","v":1}\n'
)


def test_an_older_journal_is_read_verified_and_written_behind(tmp_path: Path) -> None:
    journal = FileJournals(tmp_path).open(ARN)
    journal.path.parent.mkdir(parents=True)
    journal.path.write_bytes(OLDER)

    head = "ffb75b26fb15463c588fbc864deb1ef8e519659c74d703a641f50acac8f5ba02"
    assert journal.verify() == Verified(2, head, torn=False)
    first, second = journal.read().entries
    assert first.actor == second.actor == Actor(ACTOR.arn, "ci-7", "run-1", commit="", tool="")
    assert (first.event, second.event) == EVENTS[:2]

    now = Actor(ACTOR.arn, "ci-8", "run-2", "8c1e2f3a9b7d", "lambdaops 1.2.3")
    journal.append(NOON, "r-2", now, EVENTS[0])
    assert journal.path.read_bytes().startswith(OLDER), "what stands there stays to the byte"
    assert journal.verify().count == 3
    assert journal.read().entries[-1].actor == now
