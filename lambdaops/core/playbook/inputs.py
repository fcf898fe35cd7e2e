"""Typed inputs: what was said on the command line or in a file, checked, as the value that expressions see."""

from __future__ import annotations

import json
import math
import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

from lambdaops.core.dlq.naming import queue_name
from lambdaops.core.duration import parse_duration
from lambdaops.core.errors import LambdaOpsError, UsageError
from lambdaops.core.model import ALARM_NAME, Target, parse_function, parse_version
from lambdaops.core.playbook.book import Input, Kind, Playbook

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lambdaops.core.playbook.book import Json

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,15})?")
_BOOLEANS = {"true": True, "false": False}
_LARGEST = 10**18
_LONGEST = 4_096
_MOST_ITEMS = 100
MASK = "***"
"""What stands for a secret."""


def resolve(playbook: Playbook, said: Mapping[str, Json]) -> dict[str, Json]:
    """Every input's value: what was said, else its default.

    Raises:
        UsageError: an input that there is none of, one that is missing, or a value that does not fit.
    """
    known = {one.name: one for one in playbook.inputs}
    for name in said:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"It has {', '.join(known) or 'none'}."
            raise UsageError(f"{playbook.name} has no input {name!r}", hint=hint)
    missing = [one for one in playbook.inputs if one.required and one.name not in said]
    if missing:
        names = ", ".join(one.name for one in missing)
        first = missing[0]
        raise UsageError(
            f"{playbook.name} needs {names}",
            hint=f"Say it: --input {first.name}={first.kind.value.upper()}"
            + (f" ({first.description})" if first.description else ""),
        )
    return {one.name: _value(one, said) for one in playbook.inputs}


def _value(wanted: Input, said: Mapping[str, Json]) -> Json:
    if wanted.name in said:
        return value_of(wanted, said[wanted.name])
    # As if it had been said: a text of a file becomes what the input is.
    return value_of(wanted, wanted.default) if wanted.default is not None else None


def parse_said(words: Sequence[str]) -> dict[str, Json]:
    """``NAME=VALUE`` words; a name that is said twice is a list.

    Raises:
        UsageError: a word without a name or an equals sign.
    """
    said: dict[str, Json] = {}
    for number, word in enumerate(words, 1):
        name, equals, value = word.partition("=")
        if not equals or not name:  # not repeated: it may be a secret
            raise UsageError(f"--input number {number} is no NAME=VALUE", hint="Write --input NAME=VALUE.")
        before = said.get(name)
        if before is None:
            said[name] = value
        elif isinstance(before, list):
            before.append(value)
        else:
            said[name] = [before, value]
    return said


def value_of(wanted: Input, said: Json) -> Json:
    """One value, checked; texts become what the input is.

    Raises:
        UsageError: it does not fit; the value of a secret is not repeated.
    """
    try:
        value = _list(wanted, said) if wanted.kind is Kind.LIST else _single(wanted.kind, said)
        items = value if isinstance(value, list) else [value]
        for item in items:
            _require_allowed(wanted, item)
    except LambdaOpsError as error:
        message = "it does not fit" if wanted.secret else error.message
        raise UsageError(f"input {wanted.name}: {message}", hint="" if wanted.secret else error.hint) from None
    return value


def _list(wanted: Input, said: Json) -> Json:
    items = said.split(",") if isinstance(said, str) else said
    if not isinstance(items, list):
        raise UsageError(f"expected a list, found {_shown(said)}", hint="Items are divided by commas: a,b,c.")
    if len(items) > _MOST_ITEMS:
        raise UsageError(f"{len(items)} items are more than {_MOST_ITEMS}")
    return [_single(wanted.of, item.strip() if isinstance(item, str) else item) for item in items if item != ""]


def _single(kind: Kind, said: Json) -> Json:
    if isinstance(said, str):
        if len(said) > _LONGEST:
            raise UsageError(f"{len(said)} characters are more than {_LONGEST}")
        if not said.isprintable():
            raise UsageError(f"{_shown(said)} has characters that cannot be printed")
    match kind, said:
        case Kind.BOOLEAN, bool():
            return said
        case Kind.INTEGER | Kind.NUMBER, int() if not isinstance(said, bool) and abs(said) < _LARGEST:
            return said
        case Kind.NUMBER, float() if math.isfinite(said):
            return said
        case Kind.INTEGER, str() if _INTEGER.fullmatch(said):
            return int(said)
        case Kind.NUMBER, str() if _NUMBER.fullmatch(said):
            return float(said) if "." in said else int(said)
        case Kind.BOOLEAN, str() if said in _BOOLEANS:
            return _BOOLEANS[said]
        case Kind.VERSION, int() if not isinstance(said, bool):
            return parse_version(str(said))
        case Kind.INTEGER | Kind.NUMBER | Kind.BOOLEAN, _:
            raise UsageError(f"expected {_called(kind)}, found {_shown(said)}")
        case _, str():
            return _text(kind, said)
        case _:
            raise UsageError(f"expected {_called(kind)}, found {_shown(said)}", hint="Put it into quotes.")


def _text(kind: Kind, said: str) -> str:
    match kind:
        case Kind.DURATION:
            parse_duration(said)
        case Kind.TARGET:
            if ":" in said:  # the alias of a bare function is the configuration's to say
                Target.parse(said)
            else:
                parse_function(said)
        case Kind.FUNCTION:
            parse_function(said)
        case Kind.VERSION:
            return parse_version(said)
        case Kind.QUEUE:
            queue_name(said)
        case Kind.ALARM if not ALARM_NAME.fullmatch(said):
            raise UsageError(f"{_shown(said)} is not the name of an alarm")
        case _:
            pass
    return said


def _require_allowed(wanted: Input, item: Json) -> None:
    kind = wanted.of if wanted.kind is Kind.LIST else wanted.kind
    if wanted.allowed and item not in [_single(kind, one) for one in wanted.allowed]:
        raise UsageError(
            f"{_shown(item)} is not allowed", hint=f"Allowed: {', '.join(_plain(one) for one in wanted.allowed)}."
        )
    if wanted.pattern and not re.fullmatch(wanted.pattern, _plain(item)):
        raise UsageError(f"{_shown(item)} does not match {wanted.pattern}")


def masked(playbook: Playbook, values: Mapping[str, Json]) -> dict[str, Json]:
    """The values as they may be shown and journaled."""
    secret = {one.name for one in playbook.inputs if one.secret}
    return {name: MASK if name in secret else value for name, value in values.items()}


def secrets_of(playbook: Playbook, values: Mapping[str, Json]) -> tuple[str, ...]:
    """The texts that must not be shown anywhere, the longest first."""
    texts: set[str] = set()
    for one in playbook.inputs:
        value = values.get(one.name) if one.secret else None
        texts |= {_plain(item) for item in (value if isinstance(value, list) else [value]) if item not in (None, "")}
    return tuple(sorted(texts, key=lambda text: (-len(text), text)))


def without(text: str, secrets: Sequence[str]) -> str:
    """The text with each secret masked, also as JSON and as messages write it."""
    for secret in secrets:
        written = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1], secret}
        for form in sorted(written, key=len, reverse=True):
            text = text.replace(form, MASK)
    return text


def value_without(value: Json, secrets: Sequence[str]) -> Json:
    """The value with each secret masked, in the texts and numbers that it is made of: it stays a value."""
    if isinstance(value, str):
        return without(value, secrets)
    if isinstance(value, list):
        return [value_without(item, secrets) for item in value]
    if isinstance(value, dict):
        return {without(key, secrets): value_without(item, secrets) for key, item in value.items()}
    return MASK if value is not None and not isinstance(value, bool) and _plain(value) in secrets else value


def _plain(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _called(kind: Kind) -> str:
    return {"integer": "a whole number", "boolean": "true or false"}.get(kind.value, f"a {kind.value}")


def _shown(value: Json) -> str:
    text = repr(value) if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 -- a line should stay a line
