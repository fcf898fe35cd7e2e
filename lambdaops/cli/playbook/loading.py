"""From the name or file of a playbook to a playbook without a flaw."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lambdaops.cli.playbook.catalogue import Catalogue
from lambdaops.config.playbooks.find import find, places
from lambdaops.config.playbooks.read import Written, read_playbook
from lambdaops.core.errors import InvalidFileError, NotFoundError, UsageError
from lambdaops.core.playbook.book import Playbook
from lambdaops.core.playbook.check import check
from lambdaops.query.values import JmespathValues

if TYPE_CHECKING:
    from lambdaops.cli.env import Env
    from lambdaops.cli.options import Place
    from lambdaops.config.playbooks.find import Place as File
    from lambdaops.core.playbook.run import Run


@dataclass
class Library:
    """The playbooks that can be seen from where we stand."""

    directory: Path
    known: tuple[File, ...]
    uses: Catalogue = field(default_factory=Catalogue)
    language: JmespathValues = field(default_factory=JmespathValues)
    _read: dict[str, Playbook | None] = field(default_factory=dict)

    @classmethod
    def of(cls, env: Env, place: Place) -> Library:
        """Those of the directory, the configuration and the package.

        Raises:
            InvalidFileError: the configuration cannot be read.
        """
        from lambdaops.cli.aim import load

        config = load(env, place)
        configured = [config.path.parent / name for name in config.file.playbooks or ()] if config is not None else []
        return cls(env.cwd, places(env.cwd, [env.cwd / path for path in configured]))

    def written(self, text: str) -> Written:
        """The playbook of this name or in this file, checked for its form only.

        Raises:
            NotFoundError, UsageError: there is none, or two.
            InvalidFileError: it cannot be read, or its form is wrong.
        """
        found = find(text, self.directory, self.known)
        shown = found.path.relative_to(self.directory) if found.path.is_relative_to(self.directory) else found.path
        return read_playbook(found.path, shown)

    def flawless(self, text: str) -> Playbook:
        """The playbook of this name or in this file, without a flaw.

        Raises:
            InvalidPlaybookError: with every flaw; and as :meth:`written`.
        """
        written = self.written(text)
        written.require_flawless(check(written.book, self.uses, self.language, self.book))
        return written.book

    def begun_with(self, run: Run) -> Playbook:
        """The playbook of a run: the file that it was, wherever we stand now, or else the one of its name.

        Raises:
            NotFoundError: there is neither.
            UsageError, InvalidPlaybookError, InvalidFileError: as :meth:`flawless`.
        """
        name, file = run.said.name, Path(run.said.file)
        if run.said.file and file.is_file():
            return self.flawless(str(file))
        try:
            return self.flawless(name)
        except NotFoundError:
            raise NotFoundError(
                f"run {run.id} is one of {file if run.said.file else name}, which is not there any more",
                hint=f"Bring it back. lambdaops playbook cancel {run.id} --no-compensate ends the run without it.",
                target=run.id,
            ) from None

    def book(self, name: str) -> Playbook | None:
        """The playbook of a name; None if there is none that can be read."""
        if name not in self._read:
            self._read[name] = None
            with contextlib.suppress(InvalidFileError, NotFoundError, UsageError):
                self._read[name] = self.written(name).book
        return self._read[name]

    def digests(self, playbook: Playbook) -> dict[str, str]:
        """The digests of the playbooks that one runs, however deep, by name."""
        found: dict[str, str] = {}
        waiting = [playbook]
        while waiting:
            for name in waiting.pop().runs:
                other = self.book(name)
                if other is not None and other.name not in found:
                    found[other.name] = other.digest
                    waiting.append(other)
        return found
