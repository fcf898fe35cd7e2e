"""What a statement of a function's resource-based policy says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def invoking(statement: Mapping[str, Any]) -> str:
    """The action by which a statement lets somebody invoke; empty for one that denies, or is about something else."""
    if statement.get("Effect") != "Allow":
        return ""
    actions = statement.get("Action", "*")
    every = [actions] if isinstance(actions, str) else actions
    return next((one for one in every if one in ("*", "lambda:*") or one.startswith("lambda:Invoke")), "")


def principal_of(statement: Mapping[str, Any]) -> str:
    """Whom a statement speaks of: a service, an account, a role, ``*``; several with commas between them."""
    principal = statement.get("Principal", "*")
    if isinstance(principal, dict):
        principal = next(iter(principal.values()), "*")
    return ", ".join(principal) if isinstance(principal, list) else str(principal)
