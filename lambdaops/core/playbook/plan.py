"""What a run would do, as far as that is known before it: a value to print, and a hash to hold the run to."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from lambdaops.core.errors import LambdaOpsError
from lambdaops.core.playbook.argv import argv, shown
from lambdaops.core.playbook.builtin import AWS
from lambdaops.core.playbook.foresight import Foresight
from lambdaops.core.playbook.inputs import masked, secrets_of, without
from lambdaops.core.playbook.reach import Reach, inside
from lambdaops.core.playbook.scope import Books
from lambdaops.core.playbook.templates import expressions, said_of
from lambdaops.core.playbook.uses import Use

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambdaops.core.playbook.book import Action, Json, Playbook
    from lambdaops.core.playbook.language import Expressions
    from lambdaops.core.playbook.turns import Turn

_READS = re.compile(r"(Get|List|Describe|Lookup|Filter|Query|Receive|Head)")


def writes(call: str) -> bool:
    """Whether an AWS call, ``service:Call``, changes something: by its verb, as AWS names them."""
    return not _READS.match(call.partition(":")[2])


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run acts."""

    account: str
    region: str
    environment: str = ""


@dataclass(frozen=True, slots=True)
class InnerStep:
    """A step of a playbook that a step runs: where it stands, what it does, and when, as of a planned step."""

    key: str
    does: str
    when: str


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step of a plan.

    Attributes:
        key: its name in the journal.
        uses: what it does.
        about: a line for people.
        does: the command line, or what it is given; ``<...>`` stands for what is not known yet.
        when: ``always``, ``not`` (its condition is false already), or the condition.
        unknown: the expressions that only earlier steps can answer.
        changes: whether it changes anything.
        reads, writes: the AWS calls that it may make, given what it is given.
        approval: whether somebody must say yes.
        on_failure: what follows if it fails.
        undo: what takes it back; empty if nothing does.
        undo_when: when it does, as ``when``; empty if nothing does.
        undo_reads, undo_writes: the AWS calls that that may make.
        inside: the steps of the playbook that it runs, if it runs one.
        timeout: how long it may take.
    """

    key: str
    uses: str
    about: str
    does: str
    when: str
    unknown: tuple[str, ...]
    changes: bool
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    approval: bool
    on_failure: str
    undo: str = ""
    timeout: timedelta | None = None
    undo_when: str = ""
    undo_reads: tuple[str, ...] = ()
    undo_writes: tuple[str, ...] = ()
    inside: tuple[InnerStep, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A playbook with its inputs, for one place.

    ``inputs`` is JSON text, secrets masked; ``digests`` are those of the files it is made of, by name. ``targets`` are
    what it acts on, itself or by playbooks that it runs; ``targets_unknown`` stand for those that only earlier steps
    can tell.
    """

    playbook: str
    source: str
    account: str
    region: str
    environment: str
    inputs: str
    digests: tuple[str, ...]
    targets: tuple[str, ...]
    steps: tuple[PlannedStep, ...]
    hash: str
    targets_unknown: tuple[str, ...] = ()


def plan_of(
    playbook: Playbook,
    inputs: Mapping[str, Json],
    turns: list[Turn],
    uses: Mapping[str, Use],
    language: Expressions,
    place: Place,
    digests: Mapping[str, str],
    books: Books = lambda _: None,
) -> Plan:
    """The plan of a run.

    Args:
        playbook: without a flaw.
        inputs: every input's value.
        turns: its steps for these inputs.
        uses: the catalogue.
        language: that of its expressions.
        place: where it would act.
        digests: of the playbooks that it runs, by name.
        books: the playbooks that it may run.
    """
    seen = Foresight(playbook, inputs, language)
    reach, planner = Reach(uses, books), _Planner(seen, uses, books)
    targets = [target for turn in turns for target in reach.of(seen, turn)]
    steps = tuple(planner.step(turn) for turn in turns)
    told = json.dumps(masked(playbook, inputs), ensure_ascii=False, sort_keys=True)
    files = tuple(f"{name} {digest}" for name, digest in sorted({**digests, playbook.name: playbook.digest}.items()))
    bound = [playbook.name, files, told, place.account, place.region, place.environment]
    digest = hashlib.sha256(json.dumps(bound, ensure_ascii=False).encode()).hexdigest()
    return Plan(
        playbook.name,
        playbook.source,
        place.account,
        place.region,
        place.environment,
        told,
        files,
        tuple(dict.fromkeys(one.name for one in targets if one.known)),
        steps,
        digest[:16],
        tuple(dict.fromkeys(one.name for one in targets if not one.known)),
    )


@dataclass(frozen=True)
class _Planner:
    """Tells of each step what it will do."""

    seen: Foresight
    uses: Mapping[str, Use]
    books: Books

    def step(self, turn: Turn) -> PlannedStep:
        step = turn.step
        use = self.uses[step.action.uses]
        undo = step.undo
        calls, back = self.calls(step.action, turn), self.calls(undo, turn) if undo is not None else ()
        return PlannedStep(
            turn.key,
            use.name,
            step.about,
            self.does(step.action, turn),
            self.seen.when(step.condition, turn),
            tuple(dict.fromkeys(self._unknown(turn))),
            use.changes,
            tuple(call for call in calls if not writes(call)),
            tuple(call for call in calls if writes(call)),
            use.name == "approve",
            step.on_failure,
            self.does(undo, turn) if undo is not None else "",
            step.timeout,
            self.seen.when(undo.condition, turn) if undo is not None else "",
            tuple(call for call in back if not writes(call)),
            tuple(call for call in back if writes(call)),
            tuple(self.inner_steps(step.action, turn)),
        )

    def inner_steps(self, action: Action, turn: Turn) -> Iterator[InnerStep]:
        """Those of the playbook that an action runs, and of those that it runs."""
        for inner, each in self._inside(action, turn):
            key = f"{turn.key}/{each.key}"
            when = inner.seen.when(each.step.condition, each)
            yield InnerStep(key, inner.does(each.step.action, each), when)
            for one in inner.inner_steps(each.step.action, each):
                yield replace(one, key=f"{turn.key}/{one.key}")

    def _inside(self, action: Action, turn: Turn) -> Iterator[tuple[_Planner, Turn]]:
        """The steps of a playbook that is run, but those that are not to be done, or have a flaw: it tells of that."""
        for seen, each in inside(self.books, self.seen, action, turn):
            if each.step.action.uses in self.uses and seen.when(each.step.condition, each) != "not":
                yield replace(self, seen=seen), each

    def calls(self, action: Action, turn: Turn) -> tuple[str, ...]:
        """Its own, and those of the playbook that it runs; what takes back a step of that is done there."""
        use, given = self.uses[action.uses], self._given(action, turn)
        own = (f"{given.get('service')}:{given.get('call')}",) if use is AWS else use.calls_with(given)
        others = (
            call
            for inner, each in self._inside(action, turn)
            for one in (each.step.action, each.step.undo)
            if one is not None and one.uses in self.uses
            for call in inner.calls(one, each)
        )
        return tuple(dict.fromkeys((*own, *others)))

    def _given(self, action: Action, turn: Turn) -> dict[str, Json]:
        return {name: self.seen.told(value, turn) for name, value in said_of(action, self.seen.inputs).items()}

    def does(self, action: Action, turn: Turn) -> str:
        """The command line, or what it is given."""
        use, given = self.uses[action.uses], self._given(action, turn)
        secrets = secrets_of(self.seen.playbook, self.seen.inputs)
        if use.words:
            try:
                return shown(argv(use, given), secrets)
            except LambdaOpsError as error:
                return f"{use.name}: {error.message}"
        if use.name == "invoke" and "payload" in given:
            given["payload"] = "(not shown)"
        words = [f"{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in given.items()]
        return without(" ".join([use.name, *words]), secrets)

    def _unknown(self, turn: Turn) -> list[str]:
        found = []
        for value in (turn.step.condition, dict(turn.step.action.given)):
            for _, expression in expressions(value):
                roots = {path[0] for path in self.seen.language.read(expression.text).paths}
                if "steps" in roots:
                    found.append(expression.text)
        return found
