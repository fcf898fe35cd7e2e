"""Keys in PEM files: Ed25519 for signing, and public keys of either kind for checking what was signed."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from lambdaops.core.audit.checkpoint import Checkpoint, Signature, signed_bytes
from lambdaops.core.errors import CheckpointUnwritableError, InvalidFileError, UsageError
from lambdaops.store.disk import NEW, Disk

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519, ECDSA = "ed25519", "ecdsa-sha256"


class PemSigner:
    """An Ed25519 private key (``ports.audit.Signer``)."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    def sign(self, data: bytes) -> Signature:
        """Sign."""
        return Signature(ED25519, _fingerprint(self._key.public_key()), self._key.sign(data).hex())


class PemSignatures:
    """A public key: Ed25519, or that of an AWS KMS key for ECDSA (``ports.audit.Signatures``)."""

    def __init__(self, key: Ed25519PublicKey | EllipticCurvePublicKey) -> None:
        self._key = key

    def fault(self, checkpoint: Checkpoint) -> str | None:
        """What is wrong with the signature."""
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 -- an extra
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519  # noqa: PLC0415
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415

        made = checkpoint.signature
        if made is None:
            return ""
        value, data = bytes.fromhex(made.value), signed_bytes(checkpoint)
        wanted = ED25519 if isinstance(self._key, ed25519.Ed25519PublicKey) else ECDSA
        if made.algorithm != wanted:
            return f"it is signed with {made.algorithm}, and the public key is for {wanted}"
        try:
            if isinstance(self._key, ed25519.Ed25519PublicKey):
                self._key.verify(value, data)
            else:
                self._key.verify(value, data, ec.ECDSA(SHA256()))
        except InvalidSignature:
            return "its signature is not that of this key over this content"
        return None


def read_private(path: Path) -> PemSigner:
    """The key to sign with.

    Raises:
        UsageError: the extra is not installed.
        InvalidFileError: not an Ed25519 private key without a passphrase.
    """
    serialization = _serialization()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

    try:
        key = serialization.load_pem_private_key(_bytes(path), password=None)
    except (ValueError, TypeError):  # cryptography repeats nothing of the key, but we say nothing of it at all
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise InvalidFileError(
            f"{path} is not an Ed25519 private key in PEM without a passphrase",
            hint="lambdaops audit keygen FILE makes one; so does openssl genpkey -algorithm ed25519.",
        )
    return PemSigner(key)


def read_public(path: Path) -> PemSignatures:
    """The key to check with.

    Raises:
        UsageError: the extra is not installed.
        InvalidFileError: not a public key that checkpoints are signed with.
    """
    serialization = _serialization()
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

    try:
        key = serialization.load_pem_public_key(_bytes(path))
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey | EllipticCurvePublicKey):
        raise InvalidFileError(
            f"{path} is not a public key of Ed25519 or ECDSA in PEM",
            hint="It is the .pub file that lambdaops audit keygen wrote, or what aws kms get-public-key gives, as PEM.",
        )
    return PemSignatures(key)


def generate(path: Path, disk: Disk | None = None) -> str:
    """Make a key pair: ``path`` for the owner alone, ``path.pub`` for everybody; the public key's name.

    Raises:
        UsageError: the extra is not installed.
        CheckpointUnwritableError: a file is there already or cannot be written.
    """
    serialization = _serialization()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    disk = disk or Disk()
    for name, data in ((path, private), (path.with_name(path.name + ".pub"), public)):
        try:
            fd = disk.open(name, NEW)
            try:
                disk.write_all(fd, data)
                disk.fsync(fd)
            finally:
                disk.close(fd)
        except OSError as error:
            raise CheckpointUnwritableError(
                f"{name}: the key cannot be written: {error.strerror or error}",
                hint="Give a name that no file has yet: a key is never written over.",
            ) from error
    return _fingerprint(key.public_key())


def _fingerprint(key: Ed25519PublicKey) -> str:
    serialization = _serialization()
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return f"sha256:{sha256(der).hexdigest()}"


def _serialization() -> Any:  # noqa: ANN401 -- a module
    try:
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 -- an extra
    except ImportError:
        raise UsageError(
            "signatures need the package cryptography", hint="Install it: pip install 'lambdaops[sign]'."
        ) from None
    return serialization


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidFileError(
            f"{path} cannot be read: {error.strerror or error}", hint="Give the PEM file of the key."
        ) from error
