"""Files of letters in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lambdaops.core.errors import InvalidFileError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass
class SimPages:
    """Implements Pages and Lines; ``kept`` is how many lines are on the medium."""

    path: str = "letters.jsonl"
    lines: list[str] = field(default_factory=list)
    kept: int = 0
    state: str = "new"
    full_after: int | None = None

    @property
    def name(self) -> str:
        return self.path if self.state == "finished" else f"{self.path}.partial"

    def open(self) -> None:
        assert self.state == "new"
        self.state = "open"

    def write(self, lines: Sequence[str]) -> None:
        assert self.state == "open"
        if self.full_after is not None and len(self.lines) + len(lines) > self.full_after:
            raise InvalidFileError("letters.jsonl cannot be written: no space left")
        self.lines += lines

    def keep(self) -> None:
        self.kept = len(self.lines)

    def finish(self) -> None:
        self.keep()
        self.state = "finished"

    def close(self) -> None:
        if self.state != "finished":
            self.state = "closed"

    def read(self) -> Iterator[tuple[int, str]]:
        yield from enumerate(self.lines, 1)
