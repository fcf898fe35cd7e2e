"""S3: checkpoints as objects that can be made once, locked where the bucket or the caller says so.

Rules this file guarantees: every object is put with ``If-None-Match: *``, so S3 itself refuses a second one of the same
name ("returns 412 Precondition Failed if the object exists; 409 on a conflicting upload, upload again": S3 API
reference, PutObject); a refusal that our own lost answer caused is told from another's by reading the object.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from lambdaops.aws.faults import translating
from lambdaops.aws.session import Session
from lambdaops.core.audit.checkpoint import name_of, number_of
from lambdaops.core.errors import (
    CheckpointExistsError,
    ConflictError,
    FunctionChangedError,
    UsageError,
)
from lambdaops.ports import Clock

if TYPE_CHECKING:
    from collections.abc import Mapping

_URL = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>.*))?")
_TRIES = 5
_PAUSE = timedelta(milliseconds=500)
MODES = ("governance", "compliance")


@dataclass(frozen=True)
class Retention:
    """How long S3 keeps an object from everybody; without one, as the bucket's default says."""

    lasts: timedelta
    mode: str = "governance"


@dataclass(frozen=True)
class S3Checkpoints:
    """Numbered checkpoints under a prefix (``ports.audit.Checkpoints``)."""

    session: Session
    clock: Clock
    bucket: str
    prefix: str
    retention: Retention | None = None
    complete: bool = True

    @classmethod
    def at(cls, session: Session, clock: Clock, url: str, retention: Retention | None = None) -> S3Checkpoints:
        """Read ``s3://BUCKET/PREFIX``.

        Raises:
            UsageError: it is none.
        """
        found = _URL.fullmatch(url)
        if found is None:
            raise UsageError(f"{url!r} is not s3://BUCKET/PREFIX", hint="For instance s3://audit-log/lambdaops.")
        return cls(session, clock, found["bucket"], (found["prefix"] or "").strip("/"), retention)

    @property
    def where(self) -> str:
        """The URL."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    def numbers(self) -> tuple[int, ...]:
        """The numbers of the objects, a thousand a call."""
        start = f"{self.prefix}/" if self.prefix else ""
        found = []
        with translating(f"list {self.where}", target=self.where):
            pages = self.session.objects().get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self.bucket, Prefix=f"{start}checkpoint-", Delimiter="/"):
                found += [number_of(one["Key"][len(start) :]) for one in page.get("Contents", ())]
        return tuple(sorted(number for number in found if number is not None))

    def read(self, number: int) -> bytes:
        """The content of an object."""
        key = self._key(number)
        with translating(f"read s3://{self.bucket}/{key}", target=self.where):
            answer = self.session.objects().get_object(Bucket=self.bucket, Key=key)
            data: bytes = answer["Body"].read()
        return data

    def write(self, number: int, data: bytes) -> None:
        """Put the object if there is none."""
        for left in reversed(range(_TRIES)):
            try:
                self._put(number, data)
            except FunctionChangedError:  # 412
                if self.read(number) == data:  # ours: the answer to an earlier try was lost
                    return
                raise CheckpointExistsError(
                    f"s3://{self.bucket}/{self._key(number)} exists already",
                    hint=f"Checkpoints are never written over: lambdaops audit verify --against {self.where}.",
                ) from None
            except ConflictError:  # 409: somebody is putting it right now
                if not left:
                    raise
                self.clock.sleep(_PAUSE)
            else:
                return

    def _put(self, number: int, data: bytes) -> None:
        key = self._key(number)
        with translating(f"write s3://{self.bucket}/{key}", target=self.where):
            self.session.objects().put_object(
                Bucket=self.bucket,
                Key=key,
                Body=data,
                ContentType="application/json",
                IfNoneMatch="*",
                **self._lock(),
            )

    def _lock(self) -> Mapping[str, Any]:
        if self.retention is None:
            return {}
        return {
            "ObjectLockMode": self.retention.mode.upper(),
            "ObjectLockRetainUntilDate": self.clock.now() + self.retention.lasts,
        }

    def _key(self, number: int) -> str:
        return f"{self.prefix}/{name_of(number)}" if self.prefix else name_of(number)
