"""Who the credentials belong to."""

from __future__ import annotations

from dataclasses import dataclass

from lambdaops.aws.faults import translating
from lambdaops.aws.session import Session


@dataclass(frozen=True)
class StsIdentity:
    """Implements ports.Identity."""

    session: Session

    def caller(self) -> str:
        """The ARN of the caller; STS needs no permission for this."""
        with translating("ask who the caller is"):
            return self.session.identity().get_caller_identity()["Arn"]
