"""The channels of a configuration, told one after another by a command that is for nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lambdaops.cli.env import Env
    from lambdaops.cli.reach import Reach
    from lambdaops.core.errors import LambdaOpsError
    from lambdaops.core.messages import Said
    from lambdaops.core.notifications import Channel

Tried = tuple["Channel", "LambdaOpsError | None"]
"""A channel, and why it did not take it."""


def tried(env: Env, reach: Reach, channel: Channel, message: Said | None) -> Tried:
    """Tell one channel, or for None only see whether it can be; a refusal is given back, for the others come after."""
    from lambdaops.core.errors import LambdaOpsError

    try:
        notifier = env.notifier(channel, region=reach.region, profile=reach.profile)
        if message is not None:
            notifier.tell(message)
    except LambdaOpsError as error:
        return channel, error
    return channel, None


def needs_aws(channels: Sequence[Channel]) -> bool:
    """Whether one of them is in an account, which may be the wrong one."""
    from lambdaops.core.notifications import SlackChannel

    return any(not isinstance(channel, SlackChannel) for channel in channels)


def rows(results: Sequence[Tried], *, told: bool = True) -> list[dict[str, object]]:
    """Each channel for machines; ``told`` is false where nobody was to be told."""
    return [
        {"channel": str(channel), "told": told and error is None, "problem": error.message if error else ""}
        for channel, error in results
    ]


def lines(results: Sequence[Tried], word: str = "told") -> str:
    """Each channel for people."""
    return "\n".join(f"{channel}: {word if error is None else f'NOT {word.upper()}'}" for channel, error in results)


def summed(results: Sequence[Tried], what: str = "were not told") -> tuple[str, str]:
    """What is said when some did not take it: what happened and why, and the next step."""
    failed = [error for _, error in results if error is not None]
    said = f"{len(failed)} of {len(results)} channels {what}: " + "; ".join(error.message for error in failed)
    return said, " ".join(dict.fromkeys(error.hint for error in failed if error.hint))
