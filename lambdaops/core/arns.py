"""ARNs as people say them."""

from __future__ import annotations


def resource_name(arn: str) -> str:
    """``orders:live`` of an alias's ARN, ``orders`` of a function's, ``orders-dlq`` of a queue's, ``playbook:NAME``."""
    return arn.split(":", 5)[5].removeprefix("function:")


def is_playbook(arn: str) -> bool:
    """Whether this is what the journal of a playbook is kept under."""
    return resource_name(arn).startswith("playbook:")


def principal_name(arn: str) -> str:
    """The part of a caller's ARN that names a person, or a role and its session; all of it where there is none."""
    return arn.partition("/")[2] or arn


def session_name(arn: str) -> str:
    """The session of an assumed role (``arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION``); empty for another caller."""
    kind, _, rest = arn.rpartition(":")[2].partition("/")
    return rest.partition("/")[2] if kind == "assumed-role" else ""
