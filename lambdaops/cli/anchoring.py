"""The audit log is anchored after a release, where the configuration says so.

Rules this file guarantees: it comes last, and whatever becomes of it changes neither traffic nor how the release ended;
what goes wrong is said loudly.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lambdaops.cli.env import Env
    from lambdaops.cli.reach import Reach
    from lambdaops.ports import Sink


def anchor(env: Env, reach: Reach, sink: Sink) -> None:
    """Write a checkpoint, or say why there is none."""
    wanted = reach.settings.checkpoint
    if wanted is None:
        return
    from lambdaops.cli.audit.anchor import author_of, signer_of
    from lambdaops.cli.audit.places import checkpoints, notes
    from lambdaops.core.errors import LambdaOpsError
    from lambdaops.core.notices import Progress, Warned
    from lambdaops.ops.audit.checkpoint import checkpoint

    key = wanted.sign_with or env.variables.get("LAMBDAOPS_SIGNING_KEY")
    path = Path(key) if key and not wanted.kms else None
    try:
        places = checkpoints(env, wanted.to, region=reach.region, profile=reach.profile, retain=wanted.retain)
        signer = signer_of(env, path, wanted.kms or "", reach.region, reach.profile)
        written = checkpoint(reach.journals(env), places, notes(env), env.clock, author_of(env), signer)
    except LambdaOpsError as error:
        sink.emit(Warned(env.clock.now(), f"NO CHECKPOINT: {error.message}", error.hint))
        return
    sink.emit(Progress(env.clock.now(), f"checkpoint {written.number} of the audit log: {written.where}"))
