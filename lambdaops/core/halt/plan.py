"""What halting or starting again has to do, given what is seen and what the journal remembers.

Rules this file guarantees: what was disabled before a halt is never enabled by an unhalt; what is not as we left it is
told, and left as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambdaops.core.halt.mappings import Mapping, Step, step
from lambdaops.core.halt.records import Remembered, Reserved, Turn

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lambdaops.core.halt.memory import Halt


@dataclass(frozen=True, slots=True)
class Left:
    """A mapping that is not what was asked for, or not what we left it as; and why."""

    uuid: str
    source: str
    qualifier: str
    why: str


@dataclass(frozen=True, slots=True)
class HaltPlan:
    """What a halt does.

    Attributes:
        fresh: mappings that nothing remembers yet, as they are before it.
        stop: mappings that poll, or are still changing: to be disabled, and waited for.
        before: mappings that are disabled, and not by this halt.
        throttle: whether reserved concurrency is to be set to 0.
        reserved: reserved concurrency as it is before it, if nothing remembers that yet.
    """

    fresh: tuple[Remembered, ...]
    stop: tuple[Mapping, ...]
    before: tuple[Mapping, ...]
    throttle: bool
    reserved: Reserved | None

    @property
    def nothing(self) -> bool:
        """Whether everything is as it should be."""
        return not self.stop and not self.throttle


def plan_halt(
    halt: Halt | None, seen: Sequence[Mapping], wanted: frozenset[str], *, throttle: bool, reserved: int | None
) -> HaltPlan:
    """Compare what is there with what is to be.

    Args:
        halt: the one that is open, if there is one.
        seen: every mapping of the function.
        wanted: the UUIDs that are meant.
        throttle: whether reserved concurrency is to be 0.
        reserved: what it is; None for none.
    """
    meant = [one for one in seen if one.uuid in wanted]
    known = halt.mappings if halt is not None else {}
    turned = halt.turned if halt is not None else {}
    remembers = halt is not None and halt.reserved is not None
    return HaltPlan(
        tuple(one.remembered() for one in meant if one.uuid not in known),
        tuple(one for one in meant if step(one, on=False) in (Step.WRITE, Step.WAIT)),
        tuple(one for one in meant if one.state == "Disabled" and turned.get(one.uuid) is not False),
        throttle and reserved != 0,
        Reserved(reserved) if throttle and not remembers else None,
    )


@dataclass(frozen=True, slots=True)
class UnhaltPlan:
    """What starting again does.

    Attributes:
        start: mappings to be enabled, in their order.
        drift: mappings that somebody changed since, left as they are.
        give: reserved concurrency to be given back; None where it is none of ours, or has been.
        reserved_drift: why reserved concurrency is left as it is; empty where it is not.
        last: whether nothing of the halt remains when all of that is done.
    """

    start: tuple[Mapping, ...]
    drift: tuple[Left, ...]
    give: Reserved | None
    reserved_drift: str
    last: bool


def plan_unhalt(
    halt: Halt, seen: Sequence[Mapping], wanted: frozenset[str], *, give: bool, reserved: int | None
) -> UnhaltPlan:
    """Compare what is there with what was before.

    Args:
        halt: the one that is open.
        seen: every mapping of the function.
        wanted: the UUIDs that are meant.
        give: whether reserved concurrency is.
        reserved: what it is; None for none.
    """
    there = {one.uuid: one for one in seen}
    start: list[Mapping] = []
    drift: list[Left] = []
    for one in halt.mappings.values():
        if one.uuid not in wanted:
            continue
        now = there.get(one.uuid)
        why = _drift(halt, one, now)
        if why:
            drift.append(Left(one.uuid, one.source, one.qualifier, why))
        elif now is not None and one.polls and _to_start(halt.turned.get(one.uuid), now):
            start.append(now)
    back, told = _reserved(halt, reserved) if give else (None, "")
    rest = [one for one in halt.stopped if one.uuid not in wanted]
    return UnhaltPlan(tuple(start), tuple(drift), back, told, not rest and (give or not halt.throttled))


def _to_start(ours: bool | None, now: Mapping) -> bool:
    """What we disabled is enabled; what a process that died had enabled is waited for."""
    return ours is False or (ours is True and now.state != "Enabled")


def _drift(halt: Halt, one: Remembered, now: Mapping | None) -> str:
    """What somebody did to a mapping since we wrote it; empty for nothing."""
    ours = halt.turned.get(one.uuid)
    if not one.polls:
        return "it was disabled before the halt, and enabled by somebody since: halted again" if ours is False else ""
    if ours is None:
        stays = now is None or now.state == "Disabled"
        return "we never disabled it: somebody else did, or deleted it" if stays else ""
    if now is None or now.state == "Deleting":
        return "it was deleted since"
    if ours is False and now.state in ("Enabled", "Enabling"):
        return "somebody enabled it since"
    return "somebody disabled it since we enabled it again" if ours and now.state == "Disabled" else ""


def _reserved(halt: Halt, now: int | None) -> tuple[Reserved | None, str]:
    if halt.reserved is None or not halt.throttled:
        return None, ""
    if now == 0:
        return halt.reserved, ""
    is_now = f"{now}" if now is not None else "none"
    return None, f"reserved concurrency is {is_now}, not the 0 that we wrote: somebody changed it since"


def took_effect(turn: Turn, now: Mapping | None, reserved: int | None) -> bool:
    """Whether a write whose end nobody wrote down took effect; one that is still changing is taken for one that did."""
    if not turn.uuid:
        return reserved == turn.reserved
    if now is None or now.state == "Deleting":
        return False
    if now.state in ("Enabled", "Enabling"):
        return turn.on
    return not turn.on if now.state in ("Disabled", "Disabling") else True


def staged(start: Sequence[Mapping], stages: Iterable[int]) -> tuple[tuple[Mapping, ...], ...]:
    """The mappings of each stage; ``stages`` are totals, 0 for all. Stages in which there is nothing are left out."""
    parts, done = [], 0
    for total in stages:
        end = min(total, len(start)) if total else len(start)
        if end > done:
            parts.append(tuple(start[done:end]))
            done = end
    return tuple(parts)
