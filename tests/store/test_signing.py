"""Checkpoints that are signed: by whom, over every byte, and by nobody else."""

from __future__ import annotations

import stat
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from lambdaops.core.audit.anchors import read_chain
from lambdaops.core.audit.checkpoint import Checkpoint, Head, Signature, from_bytes, signed_bytes, to_bytes
from lambdaops.core.errors import CheckpointUnwritableError, InvalidFileError
from lambdaops.store.signing import generate, read_private, read_public
from tests.store.records import ARN, NOON

if TYPE_CHECKING:
    from pathlib import Path

    from lambdaops.store.signing import PemSignatures

POINT = Checkpoint(1, "0" * 64, NOON, (Head(ARN, 3, "a" * 64),), host="ci-7")


@pytest.fixture
def signed(tmp_path: Path) -> tuple[Checkpoint, PemSignatures]:
    name = generate(tmp_path / "audit.pem")
    signature = read_private(tmp_path / "audit.pem").sign(signed_bytes(POINT))
    assert (signature.algorithm, signature.key) == ("ed25519", name)
    return replace(POINT, signature=signature), read_public(tmp_path / "audit.pem.pub")


def test_a_signed_checkpoint_comes_back_and_holds(signed: tuple[Checkpoint, PemSignatures]) -> None:
    point, key = signed
    back = from_bytes(to_bytes(point))
    assert back == point
    assert key.fault(back) is None
    assert read_chain([(1, to_bytes(point))], check=key.fault).ok


def test_no_bit_of_a_signed_checkpoint_can_be_flipped(signed: tuple[Checkpoint, PemSignatures]) -> None:
    point, key = signed
    data = to_bytes(point)
    for position in range(len(data)):
        for bit in range(8):
            flipped = bytearray(data)
            flipped[position] ^= 1 << bit
            chain = read_chain([(1, bytes(flipped))], check=key.fault)
            # Naming another key is no harm: it is checked with the one that was given.
            assert not chain.ok or chain.trusted[0] == replace(point, signature=chain.trusted[0].signature)


def test_unsigned_and_otherwise_signed_are_told(tmp_path: Path, signed: tuple[Checkpoint, PemSignatures]) -> None:
    point, key = signed
    generate(tmp_path / "other.pem")
    other = replace(POINT, signature=read_private(tmp_path / "other.pem").sign(signed_bytes(POINT)))
    kms = replace(POINT, signature=Signature("ecdsa-sha256", "k", "00"))

    def kind(one: Checkpoint) -> str:
        return read_chain([(1, to_bytes(one))], check=key.fault).reports[0].kind

    assert [kind(one) for one in (point, POINT, other, kms)] == ["valid", "unsigned", "bad-signature", "bad-signature"]


def test_what_kms_signs_is_checked_with_its_public_key(tmp_path: Path) -> None:
    """KMS gives a DER signature over the SHA-256 of what it is sent."""
    private = ec.generate_private_key(ec.SECP256R1())
    pem = private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "kms.pem").write_bytes(pem)
    value = private.sign(signed_bytes(POINT), ec.ECDSA(SHA256()))
    point = replace(POINT, signature=Signature("ecdsa-sha256", "arn:aws:kms:key", value.hex()))
    key = read_public(tmp_path / "kms.pem")
    assert key.fault(point) is None
    assert key.fault(replace(point, number=2)) == "its signature is not that of this key over this content"


def test_a_private_key_is_the_owners_and_never_written_over(tmp_path: Path) -> None:
    generate(tmp_path / "audit.pem")
    before = (tmp_path / "audit.pem").read_bytes()
    assert stat.S_IMODE((tmp_path / "audit.pem").stat().st_mode) == 0o600
    with pytest.raises(CheckpointUnwritableError, match="cannot be written"):
        generate(tmp_path / "audit.pem")
    assert (tmp_path / "audit.pem").read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----\n"]
)
def test_what_is_no_key_is_said_and_not_repeated(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    for read in (read_private, read_public):
        with pytest.raises(InvalidFileError) as caught:
            read(tmp_path / "x")
        assert "SECRET" not in caught.value.message
    with pytest.raises(InvalidFileError, match="cannot be read"):
        read_private(tmp_path / "nowhere")


def test_keys_of_another_kind_are_refused(tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 1024)  # noqa: S505 -- it signs nothing
    formats = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "rsa.pub").write_bytes(key.public_key().public_bytes(*formats))
    with pytest.raises(InvalidFileError, match="not a public key"):
        read_public(tmp_path / "rsa.pub")
