"""PyYAML's own loader, which does not read far into what nests too deeply.

It remembers every open bracket as what may become a key, and goes through all of them at each token: without a bound,
a few kilobytes of brackets take seconds, which is long when a shell waits for a completion.
"""

from __future__ import annotations

import yaml

DEEPEST = 100
"""How many brackets may be open; templates and configurations have a handful."""


class ShallowLoader(yaml.SafeLoader):
    """``yaml.SafeLoader`` that refuses what nests deeper; with line and column."""

    def fetch_flow_collection_start(self, TokenClass: type[yaml.Token]) -> None:  # noqa: N803 -- PyYAML's name
        """Open a bracket.

        Raises:
            yaml.scanner.ScannerError: it is one too many.
        """
        if self.flow_level >= DEEPEST:
            raise yaml.scanner.ScannerError(None, None, "the file nests too deeply to be read", self.get_mark())
        super().fetch_flow_collection_start(TokenClass)
