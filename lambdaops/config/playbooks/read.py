"""A playbook file, read and checked for its form: everything wrong with it at once, each with line and column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from lambdaops.config.document import Document, mistake_at, read_document
from lambdaops.config.mistakes import translated
from lambdaops.config.playbooks.models import CompensationSettings, InputSettings, PlaybookFile, StepSettings
from lambdaops.core.duration import parse_duration
from lambdaops.core.errors import InvalidPlaybookError
from lambdaops.core.playbook.book import ABORT, Action, Input, Kind, Limits, Playbook, Retry, Step, Undo

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from lambdaops.core.errors import FileMistake
    from lambdaops.core.playbook.language import Flaw


@dataclass(frozen=True)
class Written:
    """A playbook, and where its parts stand."""

    book: Playbook
    document: Document

    @property
    def path(self) -> Path:
        """Its file, as messages call it."""
        return self.document.path

    def require_flawless(self, flaws: Iterable[Flaw]) -> None:
        """Return if there is none.

        Raises:
            InvalidPlaybookError: with all of them.
        """
        mistakes = [
            mistake_at(
                self.document.keys.get(flaw.loc, self.document.spot(flaw.loc))
                if flaw.key
                else self.document.spot(flaw.loc),
                flaw.message,
                flaw.hint,
            )
            for flaw in flaws
        ]
        if mistakes:
            raise _invalid(self.path, mistakes)


def read_playbook(path: Path, shown: Path | None = None) -> Written:
    """Read a file; ``shown`` is how it is called in messages.

    Raises:
        InvalidFileError: it cannot be read at all.
        InvalidPlaybookError: with everything that is wrong with its form.
    """
    document = read_document(path, shown)
    mistakes = list(document.mistakes)
    found: PlaybookFile | None = None
    if document.data is not None:
        try:
            found = PlaybookFile.model_validate(document.data)
        except ValidationError as error:
            mistakes += [translated(item, document, PlaybookFile) for item in error.errors(include_url=False)]
    if found is not None and found.name != path.stem:
        what = f"the playbook is called {found.name!r}, and its file {path.name!r}"
        mistakes.append(mistake_at(document.spot(("name",)), what, f"Call both alike: {path.stem}."))
    if mistakes or found is None:
        raise _invalid(document.path, mistakes)
    return Written(_book(found, document), document)


def _invalid(path: Path, mistakes: Iterable[FileMistake]) -> InvalidPlaybookError:
    found = sorted(set(mistakes), key=lambda item: (item.line, item.column, item.message))
    count = f"{len(found)} mistakes" if len(found) > 1 else "a mistake"
    return InvalidPlaybookError(
        f"{path} has {count}: {found[0]}",
        hint=found[0].hint or f"Correct it there; lambdaops playbook check {path} looks again.",
        mistakes=tuple(found),
    )


def _book(found: PlaybookFile, document: Document) -> Playbook:
    data: Any = document.data
    limits = found.limits
    return Playbook(
        found.name,
        tuple(_step(step) for step in found.steps),
        description=found.description or "",
        inputs=tuple(
            _input(name, one or _NOTHING_SAID, (data["inputs"][name] or {}))
            for name, one in (found.inputs or {}).items()
        ),
        outputs=found.outputs or {},
        limits=Limits(limits.targets, limits.runs_per_hour) if limits is not None else Limits(),
        digest=document.digest,
        source=str(document.path),
    )


_NOTHING_SAID = InputSettings.model_validate({})


def _input(name: str, one: InputSettings, data: Mapping[str, object]) -> Input:
    return Input(
        name,
        Kind(one.type or "string"),
        of=Kind(one.of or "string"),
        description=one.description or "",
        required="default" not in data,
        default=_as_meant(Kind(one.type or "string"), one.default),
        allowed=tuple(one.allowed or ()),
        pattern=one.pattern or "",
        secret=bool(one.secret),
    )


def _as_meant(kind: Kind, default: Any) -> Any:  # noqa: ANN401 -- a value of the file
    """A number with a fraction is text to our reader of YAML; a flaw in it is told by the check."""
    if kind is Kind.NUMBER and isinstance(default, str):
        try:
            return float(default)
        except ValueError:
            return default
    return str(default) if kind is Kind.VERSION and type(default) is int else default


def _step(step: StepSettings) -> Step:
    retry = step.retry
    return Step(
        step.id,
        Action(step.uses, step.with_ or {}),
        about=step.name or "",
        condition=True if step.if_ is None else step.if_,
        retry=Retry(retry.attempts, parse_duration(retry.every or "10s")) if retry is not None else None,
        timeout=parse_duration(step.timeout) if step.timeout else None,
        on_failure=step.on_failure or ABORT,
        undo=_undo(step.compensate),
        each=step.for_each,
        end=bool(step.end),
    )


def _undo(found: CompensationSettings | None) -> Undo | None:
    if found is None:
        return None
    return Undo(found.uses, found.with_ or {}, True if found.if_ is None else found.if_)
