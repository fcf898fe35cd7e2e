"""``audit verify``: whether anybody edited the audit log, shortened it, or put another in its place."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from lambdaops.cli.audit.places import PublicKeyOption, checkpoints, notes
from lambdaops.cli.options import (
    SAFETY,
    WHAT,
    AnyJournalArgument,
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
    from lambdaops.core.audit.anchors import Verification
    from lambdaops.core.errors import LambdaOpsError

AgainstOption = Annotated[
    str,
    typer.Option(
        "--against",
        metavar="s3://BUCKET/PREFIX|PATH",
        help="The checkpoints to hold it against: a bucket, a directory, or one file.",
        show_default=False,
        rich_help_panel=WHAT,
    ),
]
AtLeastOption = Annotated[
    int,
    typer.Option(
        "--at-least",
        metavar="N",
        min=0,
        help="The number of a checkpoint that you know there is: fewer are a rollback.",
        show_default=False,
        rich_help_panel=SAFETY,
    ),
]


def add_to(group: typer.Typer) -> None:
    """Register the command."""
    group.command("verify")(verify)


def verify(
    ctx: typer.Context,
    target: AnyJournalArgument = None,
    against: AgainstOption = "",
    public_key: PublicKeyOption = None,
    at_least: AtLeastOption = 0,
    environment: EnvironmentOption = None,
    config: ConfigOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> int:
    """Check that no record was changed, removed or inserted; exit 0 only if all is valid, else 2.

    Records cut off the end, a journal that is gone and one that was written anew cannot be seen by a chain alone: \
hold it --against the checkpoints that lambdaops audit checkpoint wrote, or keep the printed heads and compare.

    \b
    # one journal, or all of them
    lambdaops audit verify orders:live
    lambdaops audit verify
    # and nothing is missing either
    lambdaops audit verify --against s3://audit-log/lambdaops --public-key audit.pem.pub
    """
    env: Env = ctx.obj

    def body() -> Reply:
        from lambdaops.cli.aim import journals_at
        from lambdaops.core.audit.anchors import Chain
        from lambdaops.core.codec import encode
        from lambdaops.core.errors import UsageError
        from lambdaops.ops.audit.verify import chain_of, verify, wanted
        from lambdaops.render.audit import verify_text

        where, chain = "", None
        if against:
            places = checkpoints(env, against, region=region, profile=profile)
            signatures = None
            if public_key is not None:
                from lambdaops.store.signing import read_public

                signatures = read_public(env.cwd / public_key)
            where, chain = places.where, chain_of(places, notes(env), signatures=signatures, at_least=at_least)
        elif public_key is not None or at_least:
            raise UsageError("there are no checkpoints to check", hint="Say where they are: --against.")
        journals = journals_at(env, Place(environment, config, region, profile))
        found = verify(journals, wanted(journals, chain or Chain(), target), where, chain)
        data: dict[str, object] = {"journals": encode(found.journals)}
        if where:
            data["checkpoints"] = {
                "where": where,
                "valid": sum(report.ok for report in found.chain.reports),
                "found": encode(found.chain.reports),
            }
        error = _error(found)
        text = partial(verify_text, found)
        return Reply(text, data, error.exit_code, error) if error else Reply(text, data)

    return answer(env, "audit verify", output, body)


def _error(found: Verification) -> LambdaOpsError | None:
    """The gravest of what is wrong."""
    from lambdaops.core.audit.anchors import CheckpointKind, JournalKind
    from lambdaops.core.errors import (
        AnchorBrokenError,
        InvalidFileError,
        JournalIncompleteError,
        JournalTamperedError,
    )

    kinds: dict[JournalKind, tuple[type[LambdaOpsError], str]] = {
        JournalKind.TAMPERED: (JournalTamperedError, "Keep it as evidence; a backup can be verified the same way."),
        JournalKind.REPLACED: (AnchorBrokenError, "Keep it as evidence; a backup can be verified the same way."),
        JournalKind.TRUNCATED: (AnchorBrokenError, "Keep it as evidence; a backup can be verified the same way."),
        JournalKind.MISSING: (AnchorBrokenError, "If it is another machine's log, verify it there."),
        JournalKind.UNREADABLE: (InvalidFileError, "The text says what cannot be read."),
        JournalKind.INCOMPLETE: (
            JournalIncompleteError,
            "A crash leaves that: nothing that was acknowledged is lost, and the next record sets it aside.",
        ),
    }
    signed = "--public-key wants a signature of its key's owner on every checkpoint: find out who wrote this one"
    hints = {
        CheckpointKind.UNSIGNED: f"{signed}, and without --sign-with.",
        CheckpointKind.BAD_SIGNATURE: f"{signed}, and with which key.",
    }
    bad = [report for report in found.chain.reports if not report.ok]
    if found.where and not found.chain.reports:
        return AnchorBrokenError(
            f"{found.where} holds no checkpoint",
            hint=f"If there were some, they are gone; else lambdaops audit checkpoint --to {found.where} makes one.",
        )
    for kind, (cls, hint) in kinds.items():
        if bad and kind is JournalKind.UNREADABLE:
            break
        for report in found.journals:
            if report.kind is kind:
                return cls(f"{report.arn} is {kind}: {report.problem}", hint=hint, target=report.arn)
    if bad:
        return AnchorBrokenError(
            f"{found.where}: checkpoint {bad[0].number} is {bad[0].kind}: {bad[0].problem}",
            hint=hints.get(bad[0].kind, "Somebody changed what nobody should be able to change: who can write there?"),
        )
    return None
