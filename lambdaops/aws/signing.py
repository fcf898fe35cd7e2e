"""AWS KMS: a key that nobody can copy signs checkpoints."""

from __future__ import annotations

from dataclasses import dataclass

from lambdaops.aws.faults import translating
from lambdaops.aws.session import Session
from lambdaops.core.audit.checkpoint import Signature


@dataclass(frozen=True)
class KmsSigner:
    """An ECC_NIST_P256 key for SIGN_VERIFY (``ports.audit.Signer``); id, ARN or alias."""

    session: Session
    key: str

    def sign(self, data: bytes) -> Signature:
        """Sign: KMS hashes it, which it takes up to 4096 bytes for; so what is longer is hashed here."""
        from hashlib import sha256

        with translating(f"sign with {self.key}", target=self.key):
            answer = self.session.keys().sign(
                KeyId=self.key,
                Message=sha256(data).digest(),
                MessageType="DIGEST",
                SigningAlgorithm="ECDSA_SHA_256",
            )
        return Signature("ecdsa-sha256", answer["KeyId"], answer["Signature"].hex())
