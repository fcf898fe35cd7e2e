"""A table in memory that keeps DynamoDB's promises: conditions, all or none, and answers that get lost on the way."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lambdaops.core.errors import LambdaOpsError, ThrottledError, UnreachableError
from lambdaops.ports.tables import Row, RowExistsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def lost() -> LambdaOpsError:
    return UnreachableError("could not write to the table: Read timeout", hint="Check the network.")


def throttled() -> LambdaOpsError:
    return ThrottledError("could not write to the table: slow down", hint="Try again in a minute.")


@dataclass
class SimTable:
    """``fail`` makes the next calls of an operation fail, before or after they took effect; ``before`` is what others
    do just before a write."""

    name: str = "team"
    stored: dict[str, dict[int, str]] = field(default_factory=dict)
    attempts: dict[tuple[str, int], str] = field(default_factory=dict)
    registered: set[str] = field(default_factory=set)
    notes: dict[str, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    before: Callable[[], None] | None = None
    _faults: dict[str, list[tuple[LambdaOpsError, bool]]] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def fail(self, operation: str, *errors: LambdaOpsError, after: bool = False) -> None:
        self._faults.setdefault(operation, []).extend((error, after) for error in errors)

    def put_new(self, rows: Sequence[Row]) -> None:
        with self._lock, self._call("put_new"):
            if self.before is not None:
                before, self.before = self.before, None
                before()
            there = [self._row(row.key, row.number) for row in rows]
            if any(there):
                if there != list(rows):
                    raise RowExistsError
                return
            for row in rows:
                self.stored.setdefault(row.key, {})[row.number] = row.text
                self.attempts[row.key, row.number] = row.attempt

    def rows(self, key: str, after: int = 0) -> Iterator[Row]:
        with self._lock, self._call("rows"):
            found = sorted(self.stored.get(key, {}).items())
        return iter([Row(key, at, text, self.attempts.get((key, at), "")) for at, text in found if at > after])

    def newest(self, key: str, count: int) -> tuple[Row, ...]:
        with self._lock, self._call("newest"):
            found = sorted(self.stored.get(key, {}).items())
        return tuple(Row(key, at, text, self.attempts.get((key, at), "")) for at, text in found[-count:])

    def register(self, key: str) -> None:
        with self._lock, self._call("register"):
            self.registered.add(key)

    def keys(self) -> tuple[str, ...]:
        with self._lock, self._call("keys"):
            return tuple(sorted(self.registered))

    def note(self, key: str) -> str | None:
        with self._lock, self._call("note"):
            return self.notes.get(key)

    def replace_note(self, key: str, old: str | None, new: str | None) -> bool:
        with self._lock, self._call("replace_note"):
            if self.notes.get(key) != old:
                return False
            if new is None:
                self.notes.pop(key, None)
            else:
                self.notes[key] = new
            return True

    def _row(self, key: str, number: int) -> Row | None:
        text = self.stored.get(key, {}).get(number)
        return None if text is None else Row(key, number, text, self.attempts.get((key, number), ""))

    def _call(self, operation: str) -> _Call:
        self.calls.append(operation)
        waiting = self._faults.get(operation, [])
        return _Call(*(waiting.pop(0) if waiting else (None, False)))


@dataclass
class _Call:
    error: LambdaOpsError | None
    after: bool

    def __enter__(self) -> None:
        if self.error is not None and not self.after:
            raise self.error

    def __exit__(self, kind: object, *_: object) -> None:
        if self.error is not None and self.after and kind is None:
            raise self.error
