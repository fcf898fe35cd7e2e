"""A file of letters, checked whole before the first of them is sent.

Rules this file guarantees: every line that could not be loaded is named with its number before anything is sent; what
is sent is what was checked: a file that changes meanwhile is noticed.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from lambdaops.core.dlq.dumped import Dumped, NotALetterError, read_line
from lambdaops.core.errors import FileMistake, InvalidFileError, UsageError
from lambdaops.ports.queues import Lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_MOST: Final = 20
"""Mistakes that are told one by one."""


@dataclass
class Cargo:
    """What a file has in it.

    Attributes:
        lines: the file.
        letters: how many.
        queues: ARNs of the queues that they were in.
        digest: SHA-256 of its lines.
        deduplications: how often each deduplication id is there.
    """

    lines: Lines
    letters: int = 0
    queues: set[str] = field(default_factory=set)
    digest: str = ""
    deduplications: Counter[str] = field(default_factory=Counter)

    @property
    def home(self) -> str:
        """The one queue that all of them were in.

        Raises:
            UsageError: they were in several.
        """
        if len(self.queues) != 1:
            names = ", ".join(sorted(self.queues))
            raise UsageError(
                f"the letters of {self.lines.name} were in {len(self.queues)} queues: {names}",
                hint="Say where they go: --to QUEUE.",
            )
        return next(iter(self.queues))

    def read(self) -> Iterator[Dumped]:
        """The letters, one after another.

        Raises:
            InvalidFileError: the file is not what it was when it was checked.
        """
        digest = hashlib.sha256()
        for number, text in self.lines.read():
            digest.update(text.encode())
            try:
                yield read_line(text)
            except NotALetterError as error:
                raise InvalidFileError(
                    f"{self.lines.name}:{number}: it changed while it was loaded: {error}", hint=_AGAIN
                ) from error
        if digest.hexdigest() != self.digest:
            raise InvalidFileError(f"{self.lines.name} changed while it was loaded", hint=_AGAIN)


_AGAIN: Final = "What was sent stands in the journal. Look at the file, then load it again."


def check(lines: Lines) -> Cargo:
    """Read the whole file.

    Raises:
        InvalidFileError: it has lines that are no letters, two letters of one id, or no letter at all; all of them.
    """
    cargo = Cargo(lines)
    digest = hashlib.sha256()
    known: dict[str, int] = {}
    wrong = _Mistakes(lines.name)
    for number, text in lines.read():
        digest.update(text.encode())
        try:
            found = read_line(text)
        except NotALetterError as error:
            wrong.add(number, str(error))
            continue
        if found.letter.id in known:
            wrong.add(number, f"the id of line {known[found.letter.id]} is there again")
        known[found.letter.id] = number
        cargo.queues.add(found.queue)
        if found.letter.deduplication is not None:
            cargo.deduplications[found.letter.deduplication] += 1
    wrong.tell()
    if not known:
        raise InvalidFileError(f"{lines.name} has no letter in it")
    cargo.letters, cargo.digest = len(known), digest.hexdigest()
    return cargo


def check_fit(cargo: Cargo, problem: Callable[[Dumped], str]) -> None:
    """Hold every letter to what the queue takes; ``problem`` says why it would not take one.

    Raises:
        InvalidFileError: all that it would not take.
    """
    wrong = _Mistakes(cargo.lines.name)
    numbers = (number for number, _ in cargo.lines.read())
    for number, found in zip(numbers, cargo.read(), strict=True):
        if said := problem(found):
            wrong.add(number, said)
    wrong.tell()


@dataclass
class _Mistakes:
    """What is wrong in a file, so far."""

    name: str
    count: int = 0
    first: list[FileMistake] = field(default_factory=list)

    def add(self, line: int, said: str) -> None:
        self.count += 1
        if len(self.first) < _MOST:
            self.first.append(FileMistake(self.name, line, 1, said))

    def tell(self) -> None:
        if not self.count:
            return
        many = f"{self.count} lines of {self.name} cannot be loaded"
        shown = f"{many}, the first {len(self.first)} of them are" if self.count > len(self.first) else many
        message = str(self.first[0]) if self.count == 1 else shown
        raise InvalidFileError(
            message, hint="Nothing was sent. Put it right and try again.", mistakes=tuple(self.first)
        )
