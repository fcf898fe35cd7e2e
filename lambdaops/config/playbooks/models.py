"""A playbook file as pydantic models: every key, its type and its meaning. JSON Schema and docs come from here."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from lambdaops.config.models import Table
from lambdaops.config.words import Duration, Version, matching, mistake
from lambdaops.core.playbook.book import Kind

NAME = r"[a-z][a-z0-9-]{0,62}"
_ID = r"[a-z][a-z0-9_]{0,62}"
_KINDS = Literal[
    "string",
    "integer",
    "number",
    "boolean",
    "duration",
    "target",
    "function",
    "version",
    "queue",
    "alarm",
    "list",
]
assert set(_KINDS.__args__) == {kind.value for kind in Kind}  # type: ignore[attr-defined]  # noqa: S101


def _identifier(text: str) -> str:
    if not re.fullmatch(_ID, text):
        raise mistake(
            f"{text!r} cannot be a name here: expressions could not say it",
            f"Small letters, digits and underscores: {re.sub('[^a-z0-9_]', '_', text.lower()).strip('_') or 'ship'}.",
        )
    return text


PlaybookName = Annotated[
    str,
    AfterValidator(matching(NAME, "a name for a playbook", "Small letters, digits and hyphens, as dlq-drain.")),
    Field(json_schema_extra={"pattern": f"^{NAME}$"}),
]
Identifier = Annotated[str, AfterValidator(_identifier), Field(json_schema_extra={"pattern": f"^{_ID}$"})]
Line = Annotated[str, Field(min_length=1, max_length=500)]
Text = Annotated[str, Field(min_length=1, max_length=4000)]


class InputSettings(Table):
    """Something that whoever runs the playbook says; without a default it must be said."""

    may_be_empty: ClassVar[frozenset[str]] = frozenset({"default"})

    type: _KINDS | None = Field(None, description="What it is; string if left out.")
    of: _KINDS | None = Field(None, description="What the items of a list are; string if left out.")
    description: Text | None = Field(None, description="What it means, for people.")
    default: Any = Field(None, description="Its value if nothing is said; null stands for nothing.")
    allowed: Annotated[list[Any], Field(min_length=1)] | None = Field(None, description="The only values it may have.")
    pattern: Annotated[str, Field(min_length=1)] | None = Field(
        None, description="A regular expression that the whole value must match."
    )
    secret: bool | None = Field(None, description="true: it is never journaled and never shown.")

    @model_validator(mode="after")
    def _fits(self) -> InputSettings:
        if self.of is not None and self.type != "list":
            raise mistake("only a list has items", "Give it type: list, or leave of out.")
        if self.of == "list":
            raise mistake("the items of a list are no lists", "Give of another type.")
        return self


class LimitSettings(Table):
    """How far the playbook may reach."""

    targets: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        None, description="How many targets, functions and queues one run may act on, with the runs that it begins."
    )
    runs_per_hour: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        None, description="How many runs may begin within an hour, on all machines of the store."
    )


class RetrySettings(Table):
    """Try a step again: after AWS refused or gave no answer; a step that only looks after any failure."""

    attempts: Annotated[int, Field(ge=2, le=100)] = Field(description="How often altogether.")
    every: Duration | None = Field(None, description="How long to wait in between; 10s if left out.")


class CompensationSettings(Table):
    """What takes a step back; ${{ outputs.NAME }} is what the step gave, of for-each the item's."""

    may_be_empty: ClassVar[frozenset[str]] = frozenset({"with_"})

    uses: Annotated[str, Field(min_length=1)] = Field(description="What it does: a step of the catalogue.")
    with_: dict[str, Any] | None = Field(None, description="What it is given.")
    if_: bool | str | None = Field(
        None,
        description="Whether there is anything to take back, such as ${{ outputs.changed }}.",
    )


class StepSettings(Table):
    """One step."""

    may_be_empty: ClassVar[frozenset[str]] = frozenset({"with_"})

    id: Identifier = Field(description="Its name, in expressions and in the journal.")
    name: Line | None = Field(None, description="A line for people.")
    uses: Annotated[str, Field(min_length=1)] = Field(
        description="What it does: one of our commands, or check, wait-for, assert, invoke, aws, approve, note."
    )
    with_: dict[str, Any] | None = Field(None, description="What it is given: the options of the command.")
    if_: bool | str | None = Field(None, description="Whether it is done: ${{ an expression }}.")
    for_each: list[Any] | str | None = Field(
        None, description="Do it once for each item of a list of inputs; ${{ item }} is the item."
    )
    retry: RetrySettings | None = Field(None, description="Try it again.")
    timeout: Duration | None = Field(None, description="Ask it to stop after this time, and take it for failed.")
    on_failure: Annotated[str, Field(min_length=1)] | None = Field(
        None, description="What follows if it fails: abort (if left out), continue, or the id of a later step."
    )
    compensate: CompensationSettings | None = Field(
        None, description="What takes it back when a later step fails; in reverse order."
    )
    end: bool | None = Field(None, description="true: the run is over once it was done.")


class PlaybookFile(Table):
    """A playbook of lambdaops: on-call work as steps that are checked, journaled and resumable."""

    may_be_empty: ClassVar[frozenset[str]] = frozenset({"inputs"})

    version: Version = Field(description="The version of this format: 1.")
    name: PlaybookName = Field(description="Its name: that of the file, without .yaml.")
    description: Text | None = Field(None, description="What it is for, for people.")
    inputs: dict[Identifier, InputSettings | None] | None = Field(None, description="What it needs to be told.")
    limits: LimitSettings | None = Field(None, description="How far it may reach.")
    steps: Annotated[list[StepSettings], Field(min_length=1, max_length=100)] = Field(
        description="What is done, one after another."
    )
    outputs: dict[Identifier, Any] | None = Field(None, description="What the run gives, for who called it.")
