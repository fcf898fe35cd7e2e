"""The first lambdaops.yaml: written for people to read and go on with, from what was found.

Rules this file guarantees: whatever names were found, the text is YAML that reads back as exactly those names, and
comments stay comments; a file that exists is replaced only when that was asked for, and never half.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import textwrap
from typing import TYPE_CHECKING

from lambdaops.core.errors import InvalidFileError, UsageError
from lambdaops.core.model import ALARM_NAME
from lambdaops.core.plan import DEFAULT_STRATEGY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lambdaops.core.survey import FoundAlarm, FoundTarget, Survey

_WIDTH = 100
# Text that means itself without quotes wherever a value stands. YAML 1.1 reads yes, off, 1e3 and 10:20 as other things.
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_.%:/-]*[A-Za-z0-9%]|[A-Za-z]")
_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"}
# What YAML does not print as it stands, or takes for a line break.
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]+")
_PATTERN = re.compile(r"[*?\[]")

_EXAMPLE = """\
environments:
  prod:
    account: "111122223333"
    region: eu-central-1
    confirm: type-target"""


def starter(survey: Survey, environment: str) -> str:
    """The text of a configuration file for what was found.

    Args:
        survey: what was found.
        environment: what to call the account and region, where the survey knows them.
    """
    return "\n".join(_lines(survey, environment)) + "\n"


def _lines(survey: Survey, environment: str) -> Iterator[str]:
    yield from _comment("", f"How these functions are released. Found in {survey.source} by lambdaops init.")
    yield from _comment("", "After a change: lambdaops config check. What a release would do: lambdaops plan TARGET.")
    yield from ("version: 1", "")
    yield from ("defaults:", "  # Unless a function says otherwise: 10 % for five minutes, then everybody.")
    yield from (f"  strategy: {DEFAULT_STRATEGY}", "")
    if survey.targets:
        yield "functions:"
        for target in survey.targets:
            yield from _function(target)
    else:
        yield from ("# Nothing that can be released was found.", "functions: {}")
    yield ""
    if survey.account:
        yield "environments:"
        yield f"  {scalar(environment)}:"
        yield "    # A command with other credentials or in another region is refused."
        yield f"    account: {json.dumps(survey.account)}"
        yield f"    region: {scalar(survey.region)}"
        yield "    # For an environment with customers: type-target asks for FUNCTION:ALIAS instead of a yes."
        yield "    confirm: ask"
    else:
        yield from _comment("", "Say which account and region is meant, so that no command reaches another one:")
        yield from (f"# {line}" for line in _EXAMPLE.splitlines())
    if survey.skipped or survey.notes:
        yield ""
        yield "# Not here:"
        for skipped in survey.skipped:
            yield from _comment("", f"{skipped.function} {skipped.why}", bullet=True)
        for note in survey.notes:
            yield from _comment("", note, bullet=True)


def _function(target: FoundTarget) -> Iterator[str]:
    yield f"  {scalar(target.function)}:"
    for note in target.notes:
        yield from _comment("    ", note)
    yield f"    alias: {scalar(target.alias)}"
    if target.strategy:
        yield f"    strategy: {scalar(target.strategy)}"
    lines = [line for alarm in target.alarms for line in _alarm(alarm)]
    if any(alarm.usable and not _unwritable(alarm.name) for alarm in target.alarms):
        yield "    alarms:"
    else:
        yield "    # No alarm was found that could object: nothing but time would separate the stages."
        yield "    alarms: []"
    yield from lines


def _alarm(alarm: FoundAlarm) -> Iterator[str]:
    why = _unwritable(alarm.name)
    if alarm.usable and not why:
        yield from _comment("      ", alarm.note)
        # A shell pattern that matches nothing but this name.
        yield f"      - {scalar(_PATTERN.sub(lambda found: f'[{found[0]}]', alarm.name))}"
    else:
        yield from _comment("      ", f"{alarm.name}: {why or alarm.note}", bullet=True)


def _unwritable(name: str) -> str:
    """Why a configuration cannot name this alarm; empty if it can."""
    if "{" in name or "}" in name:
        return "a name with {} cannot be written here"
    return "" if ALARM_NAME.fullmatch(name) else "no alarm has such a name"


def _comment(indent: str, text: str, *, bullet: bool = False) -> Iterator[str]:
    """A comment in as many lines as it takes; what would end or disturb it becomes a blank."""
    start = "- " if bullet else ""
    yield from textwrap.wrap(
        _CONTROL.sub(" ", text),
        _WIDTH,
        initial_indent=f"{indent}# {start}",
        subsequent_indent=f"{indent}# {' ' * len(start)}",
        break_on_hyphens=False,
        break_long_words=False,
    )


def scalar(text: str) -> str:
    """The text as YAML that means exactly this text, quoted where it must be."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    # A JSON string is a YAML string, but for what JSON leaves unescaped and YAML does not print.
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


def check_free(path: Path, *, force: bool) -> None:
    """Refuse to replace a file unasked; to be called before anything slow.

    Raises:
        UsageError: it exists.
    """
    if not force and os.path.lexists(path):
        raise _exists(path)


def save(path: Path, text: str, *, force: bool) -> None:
    """Write the file: whole, or not at all.

    Raises:
        UsageError: it exists, and ``force`` is not given.
        InvalidFileError: it cannot be written.
    """
    target = path.resolve() if force else path  # with --force, a link keeps pointing at what it points at
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        try:
            with draft.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            if not force:
                _claim(draft, target)
            draft.replace(target)
        finally:
            with contextlib.suppress(FileNotFoundError):
                draft.unlink()
    except FileExistsError:
        raise _exists(path) from None
    except OSError as error:
        raise InvalidFileError(
            f"{path} cannot be written: {error.strerror}", hint="Check the directory given with --out."
        ) from error


def _claim(draft: Path, target: Path) -> None:
    """Take the name, unless somebody else was faster: a link fails where a rename would replace."""
    try:
        os.link(draft, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        target.touch(exist_ok=False)


def _exists(path: Path) -> UsageError:
    return UsageError(
        f"{path} exists already: nothing was written",
        hint="--out writes another file, --dry-run only shows it, --force replaces it.",
    )
