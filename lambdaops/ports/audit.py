"""What anchoring the audit log needs of the world: a place that takes each checkpoint once, and keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from lambdaops.core.audit.checkpoint import Checkpoint, Signature


class Checkpoints(Protocol):
    """A place for checkpoints, in which none can be written over."""

    @property
    def where(self) -> str:
        """What people call it: ``s3://bucket/prefix`` or a path."""

    @property
    def complete(self) -> bool:
        """Whether it has every checkpoint from the first on; false for a single one that was handed over."""

    def numbers(self) -> tuple[int, ...]:
        """The numbers there are, in order.

        Raises:
            AwsError, NotFoundError, InvalidFileError: it cannot be listed.
        """

    def read(self, number: int) -> bytes:
        """The content of one.

        Raises:
            AwsError, NotFoundError, InvalidFileError: it cannot be read.
        """

    def write(self, number: int, data: bytes) -> None:
        """Keep it, durably, if there is none of this number yet.

        Raises:
            CheckpointExistsError: there is another one.
            AwsError, NotFoundError, CheckpointUnwritableError: it cannot be written.
        """


class Notes(Protocol):
    """What this machine remembers of a place: the newest checkpoint that was written from here."""

    def recall(self, where: str) -> tuple[int, str] | None:
        """Its number and digest; None when none was."""

    def remember(self, where: str, number: int, digest: str) -> None:
        """Remember it; a machine that cannot only warns less."""


class Signer(Protocol):
    """Who vouches for checkpoints."""

    def sign(self, data: bytes) -> Signature:
        """A signature of these bytes.

        Raises:
            AwsError: a key that AWS holds cannot be used.
        """


class Signatures(Protocol):
    """A public key."""

    def fault(self, checkpoint: Checkpoint) -> str | None:
        """What is wrong with a checkpoint's signature: None for nothing, an empty text when there is none."""
