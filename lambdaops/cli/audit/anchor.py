"""``audit checkpoint|keygen``: how long every journal is, written down where nobody can change it."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lambdaops.cli.audit.places import checkpoints, notes
from lambdaops.cli.options import (
    SAFETY,
    WHAT,
    ConfigOption,
    EnvironmentOption,
    OutputFormat,
    OutputOption,
    Place,
    ProfileOption,
    RegionOption,
)
from lambdaops.cli.reply import Reply, answer

if TYPE_CHECKING:
    from lambdaops.cli.env import Env
    from lambdaops.ops.audit.checkpoint import Author
    from lambdaops.ports.audit import Signer


class RetainMode(enum.StrEnum):
    """Who may end S3's retention early."""

    GOVERNANCE = "governance"
    COMPLIANCE = "compliance"


ToOption = Annotated[
    str,
    typer.Option(
        "--to",
        metavar="s3://BUCKET/PREFIX|PATH",
        help="A bucket or a directory, where each gets the next number; or one new .json file.",
        rich_help_panel=WHAT,
    ),
]
KeyOption = Annotated[
    Path | None,
    typer.Option(
        "--sign-with",
        metavar="PEM",
        envvar="LAMBDAOPS_SIGNING_KEY",
        help="Sign it with this Ed25519 private key; needs lambdaops\\[sign].",
        rich_help_panel=SAFETY,
    ),
]
KmsOption = Annotated[
    str,
    typer.Option(
        "--kms",
        metavar="KEY",
        help="Sign it with this AWS KMS key (ECC_NIST_P256): id, ARN or alias.",
        show_default=False,
        rich_help_panel=SAFETY,
    ),
]
RetainOption = Annotated[
    int | None,
    typer.Option(
        "--retain-days",
        metavar="N",
        min=1,
        max=36_500,
        help="S3 Object Lock for so long.",
        show_default="the bucket's own rule",
        rich_help_panel=SAFETY,
    ),
]
RetainModeOption = Annotated[
    RetainMode, typer.Option("--retain-mode", help="Who may end that early: some, or nobody.", rich_help_panel=SAFETY)
]


def add_to(group: typer.Typer) -> None:
    """Register the commands."""
    group.command("checkpoint")(checkpoint)
    group.command("keygen")(keygen)


def checkpoint(
    ctx: typer.Context,
    to: ToOption,
    sign_with: KeyOption = None,
    kms: KmsOption = "",
    retain_days: RetainOption = None,
    retain_mode: RetainModeOption = RetainMode.GOVERNANCE,
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Write down how many records every journal has and the hash of the last, as an object that can be made once.

    Each one is chained to the one before it, and refused when a journal is not what that one saw. Whoever can change \
journals must not be able to change these: give a bucket with Object Lock, in another account if you can.

    \b
    lambdaops audit checkpoint --to s3://audit-log/lambdaops --sign-with audit.pem
    # locked for a year, signed by a key that nobody can copy
    lambdaops audit checkpoint --to s3://audit-log/lambdaops --retain-days 365 --kms alias/audit
    # a single file, to hand over
    lambdaops audit checkpoint --to 2026-08.json
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from datetime import timedelta

        from lambdaops.cli.aim import journals_at
        from lambdaops.core.codec import encode
        from lambdaops.ops.audit.checkpoint import checkpoint
        from lambdaops.render.audit import checkpoint_text

        retain = timedelta(days=retain_days) if retain_days else None
        places = checkpoints(env, to, region=region, profile=profile, retain=retain, mode=retain_mode.value)
        signer = signer_of(env, sign_with, kms, region, profile)
        journals = journals_at(env, Place(environment, config, region, profile))
        written = checkpoint(journals, places, notes(env), env.clock, author_of(env), signer)
        data = {
            "number": written.number,
            "digest": written.digest,
            "where": written.where,
            "records": written.records,
            "checkpoint": encode(written.checkpoint),
        }
        return Reply(checkpoint_text(written), data)

    return answer(env, "audit checkpoint", output, body)


def author_of(env: Env) -> Author:
    """Who writes checkpoints here."""
    import socket

    from lambdaops.ops.audit.checkpoint import Author

    return Author(socket.gethostname(), env.ci_run, env.tool)


def signer_of(env: Env, sign_with: Path | None, kms: str, region: str | None, profile: str | None) -> Signer | None:
    """What signs: a key of KMS, or one in a file; None for nothing."""
    if kms:
        from lambdaops.aws.signing import KmsSigner

        return KmsSigner(env.aws_session(region=region, profile=profile), kms)
    if sign_with is not None:
        from lambdaops.store.signing import read_private

        return read_private(env.cwd / sign_with)
    return None


def keygen(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The private key; FILE.pub is the public one.")],
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Make a pair of keys for signing checkpoints: one for whoever writes them, the other for whoever verifies.

    \b
    lambdaops audit keygen audit.pem
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.store.signing import generate

        path = env.cwd / file
        name = generate(path)
        text = f"{path} signs, {path}.pub verifies: {name}"
        return Reply(text, {"private": str(path), "public": f"{path}.pub", "key": name})

    return answer(env, "audit keygen", output, body)
