"""S3 and KMS: what they are asked for an anchor, and what their refusals mean."""

from __future__ import annotations

import io
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from lambdaops.aws.checkpoints import Retention, S3Checkpoints
from lambdaops.aws.signing import KmsSigner
from lambdaops.core.audit.checkpoint import name_of
from lambdaops.core.errors import (
    AccessDeniedError,
    CheckpointExistsError,
    ConflictError,
    NotFoundError,
    UsageError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lambdaops.aws.session import Session
    from tests.sim.clock import SimClock

KEY = f"team/{name_of(7)}"
PUT: dict[str, Any] = {
    "Bucket": "audit-log",
    "Key": KEY,
    "Body": b"data",
    "ContentType": "application/json",
    "IfNoneMatch": "*",
}


@pytest.fixture
def objects(session: Session) -> Iterator[Stubber]:
    with Stubber(session.objects()) as stub:
        yield stub
        stub.assert_no_pending_responses()


@pytest.fixture
def place(session: Session, clock: SimClock) -> S3Checkpoints:
    return S3Checkpoints.at(session, clock, "s3://audit-log/team/")


def body(data: bytes) -> dict[str, Any]:
    stream: Any = StreamingBody
    return {"Body": stream(io.BytesIO(data), len(data))}


def test_an_object_is_put_only_where_there_is_none(place: S3Checkpoints, objects: Stubber) -> None:
    objects.add_response("put_object", {}, PUT)
    place.write(7, b"data")


def test_it_is_locked_for_as_long_as_is_asked(session: Session, clock: SimClock, objects: Stubber) -> None:
    place = S3Checkpoints.at(session, clock, "s3://audit-log", Retention(timedelta(days=365), "compliance"))
    until = clock.now() + timedelta(days=365)
    locked = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": until}
    objects.add_response("put_object", {}, {**PUT, "Key": name_of(7), **locked})
    place.write(7, b"data")
    assert place.where == "s3://audit-log"


def test_one_that_is_there_is_another_s(place: S3Checkpoints, objects: Stubber) -> None:
    objects.add_client_error("put_object", "PreconditionFailed", "At least one condition did not hold", 412)
    objects.add_response("get_object", body(b"other"), {"Bucket": "audit-log", "Key": KEY})
    with pytest.raises(CheckpointExistsError, match=f"s3://audit-log/{KEY} exists already"):
        place.write(7, b"data")


def test_one_that_is_there_may_be_our_own_whose_answer_was_lost(place: S3Checkpoints, objects: Stubber) -> None:
    objects.add_client_error("put_object", "PreconditionFailed", "At least one condition did not hold", 412)
    objects.add_response("get_object", body(b"data"), {"Bucket": "audit-log", "Key": KEY})
    place.write(7, b"data")


def test_a_conflict_is_tried_again(place: S3Checkpoints, objects: Stubber, clock: SimClock) -> None:
    before = clock.now()
    objects.add_client_error("put_object", "ConditionalRequestConflict", "try again", 409)
    objects.add_response("put_object", {}, PUT)
    place.write(7, b"data")
    assert clock.now() > before
    for _ in range(5):
        objects.add_client_error("put_object", "ConditionalRequestConflict", "try again", 409)
    with pytest.raises(ConflictError):
        place.write(7, b"data")


def test_all_pages_are_listed_and_other_objects_are_not_ours(place: S3Checkpoints, objects: Stubber) -> None:
    asked = {"Bucket": "audit-log", "Prefix": "team/checkpoint-", "Delimiter": "/"}
    first = {"Contents": [{"Key": KEY}], "IsTruncated": True, "NextContinuationToken": "more"}
    then = {"Contents": [{"Key": f"team/{name_of(8)}"}, {"Key": "team/checkpoint-x.json"}], "IsTruncated": False}
    objects.add_response("list_objects_v2", first, asked)
    objects.add_response("list_objects_v2", then, {**asked, "ContinuationToken": "more"})
    assert place.numbers() == (7, 8)


@pytest.mark.parametrize(
    ("call", "code", "status", "expected", "hint"),
    [
        ("put_object", "AccessDenied", 403, AccessDeniedError, "The caller needs s3:PutObject on it"),
        ("list_objects_v2", "AccessDenied", 403, AccessDeniedError, "The caller needs s3:ListBucket on it"),
        ("list_objects_v2", "NoSuchBucket", 404, NotFoundError, "Check the name"),
        ("get_object", "NoSuchKey", 404, NotFoundError, "Check the name"),
    ],
)
def test_refusals(
    place: S3Checkpoints, objects: Stubber, call: str, code: str, status: int, expected: type[Exception], hint: str
) -> None:
    objects.add_client_error(call, code, "no", status)
    work: dict[str, Callable[[], object]] = {
        "put_object": lambda: place.write(7, b"data"),
        "list_objects_v2": place.numbers,
        "get_object": lambda: place.read(7),
    }
    with pytest.raises(expected) as caught:
        work[call]()
    assert hint in getattr(caught.value, "hint", "")


@pytest.mark.parametrize("url", ["s3://", "s3:/x/y", "s3://A/b", "s3://a b/c"])
def test_what_is_no_bucket(session: Session, clock: SimClock, url: str) -> None:
    with pytest.raises(UsageError):
        S3Checkpoints.at(session, clock, url)


def test_kms_signs_the_hash(session: Session) -> None:
    arn = "arn:aws:kms:eu-central-1:111122223333:key/1"
    with Stubber(session.keys()) as stub:
        stub.add_response(
            "sign",
            {"KeyId": arn, "Signature": b"\x30\x01", "SigningAlgorithm": "ECDSA_SHA_256"},
            {
                "KeyId": "alias/audit",
                "Message": sha256(b"data").digest(),
                "MessageType": "DIGEST",
                "SigningAlgorithm": "ECDSA_SHA_256",
            },
        )
        made = KmsSigner(session, "alias/audit").sign(b"data")
        assert (made.algorithm, made.key, made.value) == ("ecdsa-sha256", arn, "3001")
        stub.add_client_error("sign", "AccessDeniedException", "no", 400)
        with pytest.raises(AccessDeniedError) as caught:
            KmsSigner(session, "alias/audit").sign(b"data")
        assert caught.value.hint.startswith("The caller needs kms:Sign")
