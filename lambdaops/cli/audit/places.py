"""Where checkpoints are, by what people write: ``s3://bucket/prefix``, a directory, or one ``.json`` file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lambdaops.cli.options import SAFETY

if TYPE_CHECKING:
    from datetime import timedelta

    from lambdaops.cli.env import Env
    from lambdaops.ports.audit import Checkpoints, Notes

PublicKeyOption = Annotated[
    Path | None,
    typer.Option(
        "--public-key",
        metavar="PEM",
        help="Every checkpoint must be signed by this key's owner: Ed25519, or ECDSA of AWS KMS.",
        rich_help_panel=SAFETY,
    ),
]


def checkpoints(
    env: Env,
    where: str,
    *,
    region: str | None,
    profile: str | None,
    retain: timedelta | None = None,
    mode: str = "governance",
) -> Checkpoints:
    """The place that is meant.

    Raises:
        UsageError: no such place can be.
    """
    if where.startswith("s3:"):
        from lambdaops.aws.checkpoints import Retention, S3Checkpoints

        session = env.aws_session(region=region, profile=profile)
        return S3Checkpoints.at(session, env.clock, where, Retention(retain, mode) if retain else None)
    from lambdaops.core.errors import UsageError
    from lambdaops.store.checkpoints import checkpoints_at

    if retain is not None:
        raise UsageError("only S3 retains objects", hint="Leave --retain-days, or give --to s3://BUCKET/PREFIX.")
    return checkpoints_at(env.cwd / where)


def notes(env: Env) -> Notes:
    """What this machine remembers."""
    from lambdaops.store.checkpoints import FileNotes

    return FileNotes(env.home)
