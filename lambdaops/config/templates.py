"""A CloudFormation template read as data: YAML with its short tags, or JSON, and where each part stands.

Rules this file guarantees: nothing in a template is executed; what cannot be read ends in an error with line and
column; nesting and anchors that repeat themselves are bounded, as is the size.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import yaml

from lambdaops.config.contents import contents
from lambdaops.config.loader import DEEPEST, ShallowLoader
from lambdaops.core.errors import InvalidFileError

# "Template body size in an Amazon S3 object: 1 MB" (CloudFormation quotas).
_MOST_BYTES = 1024 * 1024
_MOST_NODES = 200_000
_PLAIN = "tag:yaml.org,2002:"
_NULL, _MERGE = f"{_PLAIN}null", f"{_PLAIN}merge"
_HINT = "Correct the template there; sam validate --lint tells more."


@dataclass(frozen=True, slots=True)
class Spot:
    """Where in which file something stands; both counts begin at 1."""

    path: Path
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar as it was written; empty for null."""

    value: str
    spot: Spot


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    values: tuple[Part, ...]
    spot: Spot


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping with text keys. A short tag is the mapping it stands for: ``!Ref A`` is ``{Ref: A}``."""

    values: dict[str, Part]
    spot: Spot


Part = Text | Items | Table


def read_template(path: Path) -> Table:
    """Read a template.

    Raises:
        InvalidFileError: the file cannot be read, is no YAML or JSON, or is no mapping; with line and column.
    """
    text = _contents(path)
    if text.lstrip().startswith("{"):
        text = text.replace("\t", " ")  # JSON may be indented with tabs, which YAML, otherwise its superset, refuses
    try:
        # The pure Python loader: libyaml's recursion, on deep input, ends the process instead of raising.
        node = yaml.compose(text, Loader=ShallowLoader)
        if node is None:
            raise invalid(Spot(path, 1, 1), "the template is empty")
        part = _Reader(path).part(node, 0)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        spot = Spot(path, mark.line + 1, mark.column + 1) if mark else Spot(path, 1, 1)
        raise invalid(spot, error.problem or "this is not YAML") from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        spot = Spot(path, before.count("\n") + 1, error.position - (before.rfind("\n") + 1) + 1)
        raise invalid(spot, f"the character U+{error.character:04X} has no place in YAML") from None
    except RecursionError:
        raise invalid(Spot(path, 1, 1), "the template nests too deeply to be read") from None
    except (ValueError, OverflowError) as error:  # an escape like \UFFFFFFFF, which is no character
        raise invalid(Spot(path, 1, 1), f"this is not YAML: {error}") from None
    if not isinstance(part, Table):
        raise invalid(part.spot, "a template is a mapping with Resources in it")
    return part


def invalid(spot: Spot, what: str) -> InvalidFileError:
    """An error that says where."""
    return InvalidFileError(f"{spot}: {what}", hint=_HINT)


def _contents(path: Path) -> str:
    try:
        data = contents(path, _MOST_BYTES)
    except OSError as error:
        raise InvalidFileError(
            f"{path} cannot be read: {error.strerror}", hint="Check the path given with --template."
        ) from error
    if len(data) > _MOST_BYTES:
        raise InvalidFileError(
            f"{path} is larger than 1 MB, which is the most CloudFormation takes",
            hint="Give the template you write, not a package built from it.",
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        spot = Spot(path, before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1)
        raise InvalidFileError(f"{spot}: this is not UTF-8", hint="Save the template as UTF-8.") from None


def _paired(text: str) -> str:
    """JSON writes a character beyond U+FFFF as two escapes, which YAML reads as two halves."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@dataclass
class _Reader:
    """Turns YAML's nodes into parts."""

    path: Path
    _nodes: int = 0
    _open: set[int] = field(default_factory=set)

    def part(self, node: yaml.Node, depth: int) -> Part:
        """What a node stands for, its short tag included."""
        spot = self._spot(node)
        self._nodes += 1
        if self._nodes > _MOST_NODES:
            raise invalid(spot, "anchors repeat themselves until the template is too large")
        if depth > DEEPEST:
            raise invalid(spot, "the template nests too deeply to be read")
        if id(node) in self._open:
            raise invalid(spot, "an anchor contains itself")
        self._open.add(id(node))
        try:
            plain = self._untagged(node, spot, depth)
        finally:
            self._open.discard(id(node))
        return self._tagged(node.tag, plain, spot)

    def _untagged(self, node: yaml.Node, spot: Spot, depth: int) -> Part:
        if isinstance(node, yaml.MappingNode):
            return Table(self._entries(node, depth), spot)
        if isinstance(node, yaml.SequenceNode):
            return Items(tuple(self.part(item, depth + 1) for item in node.value), spot)
        return Text("" if node.tag == _NULL else _paired(node.value), spot)

    def _entries(self, node: yaml.MappingNode, depth: int) -> dict[str, Part]:
        found: dict[str, Part] = {}
        merged: dict[str, Part] = {}
        for key, value in node.value:
            spot = self._spot(key)
            if not isinstance(key, yaml.ScalarNode):
                raise invalid(spot, "a key must be text")
            part = self.part(value, depth + 1)
            if key.tag == _MERGE:
                for table in part.values if isinstance(part, Items) else (part,):
                    if not isinstance(table, Table):
                        raise invalid(spot, "<< takes a mapping, or a list of mappings")
                    merged = {**table.values, **merged}
            elif key.value in found:
                raise invalid(spot, f"{key.value!r} stands here twice")
            else:
                found[key.value] = part
        return {**merged, **found}

    @staticmethod
    def _tagged(tag: str, part: Part, spot: Spot) -> Part:
        if not tag.startswith("!"):
            if not tag.startswith(_PLAIN) or ":python/" in tag:
                raise invalid(spot, f"the tag {tag!r} is not CloudFormation's")
            return part
        name = tag[1:]
        # "Ref" and "Condition" are the two that have no Fn:: in the long form (CloudFormation user guide).
        return Table({name if name in ("Ref", "Condition") else f"Fn::{name}": part}, spot)

    def _spot(self, node: yaml.Node) -> Spot:
        return Spot(self.path, node.start_mark.line + 1, node.start_mark.column + 1)
