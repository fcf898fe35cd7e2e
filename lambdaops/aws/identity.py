"""Who the credentials belong to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from lambdaops.aws.faults import translating
from lambdaops.aws.session import Session


@dataclass(frozen=True)
class StsIdentity:
    """Implements ports.Identity."""

    session: Session

    def caller(self) -> str:
        """The ARN of the caller, asked for once; STS needs no permission for this."""
        return self._arn

    @cached_property
    def _arn(self) -> str:
        with translating("ask who the caller is"):
            return self.session.identity().get_caller_identity()["Arn"]
