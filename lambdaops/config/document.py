"""YAML as data, and where each part of it stands.

Rules this file guarantees: nothing is executed or guessed: a scalar is text, unless it is true, false, null or a whole
number without leading zeros (YAML 1.2 core, less its octals and floats: ``on``, ``16:00`` and ``012`` stay as they are
written); everything wrong is collected, with line and column; size, nesting and repeated anchors are bounded.

The parser's events are used, not its loader: parsing is iterative in PyYAML and in libyaml, so no depth of nesting ends
the process, and libyaml (ten times as fast) can be used where it is there.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from lambdaops.config.contents import contents
from lambdaops.config.templates import Spot
from lambdaops.core.errors import FileMistake, InvalidFileError

_MOST_BYTES = 512 * 1024
_MOST_NODES = 100_000
_DEEPEST = 40
_NULLS = {"", "~", "null", "Null", "NULL"}
_BOOLEANS = {word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")}
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_TEXT_TAGS = ("!", "tag:yaml.org,2002:str")
_LOADER: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Loc = tuple[str | int, ...]
"""The way to a part: keys of mappings, and numbers in lists."""


def mistake_at(spot: Spot, message: str, hint: str = "") -> FileMistake:
    """One thing that is wrong."""
    return FileMistake(str(spot.path), spot.line, spot.column, message, hint)


@dataclass
class Document:
    """A file's data, where each part and each key stands, which texts are not quoted, and what is wrong.

    ``digest`` is the SHA-256 of its bytes, in hexadecimal.
    """

    path: Path
    data: object = None
    spots: dict[Loc, Spot] = field(default_factory=dict)
    keys: dict[Loc, Spot] = field(default_factory=dict)
    unquoted: set[Loc] = field(default_factory=set)
    mistakes: list[FileMistake] = field(default_factory=list)
    digest: str = ""

    def spot(self, loc: Loc) -> Spot:
        """Where a part stands, or what it is missing from."""
        while loc and loc not in self.spots:
            loc = loc[:-1]
        return self.spots.get(loc, Spot(self.path, 1, 1))


def read_document(path: Path, shown: Path | None = None) -> Document:
    """Read a file; ``shown`` is how it is called in messages.

    Raises:
        InvalidFileError: it cannot be read at all.
    """
    label = shown or path
    try:
        data = contents(path, _MOST_BYTES)
    except OSError as error:
        raise InvalidFileError(
            f"{label} cannot be read: {error.strerror}", hint="Check the path and its permissions."
        ) from error
    if len(data) > _MOST_BYTES:
        raise InvalidFileError(
            f"{label} is larger than {_MOST_BYTES // 1024} KiB: it is no configuration file", hint="Check the path."
        )
    document = Document(label, digest=hashlib.sha256(data).hexdigest())
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        _parse(data.decode(), document)
    except UnicodeDecodeError as error:
        line, column = _position(data[: error.start].decode())
        document.mistakes.append(mistake_at(Spot(label, line, column), "this is not UTF-8", "Save the file as UTF-8."))
    return document


def _parse(text: str, document: Document) -> None:
    strange = yaml.reader.Reader.NON_PRINTABLE.search(text)
    if strange:
        what = f"the character U+{ord(strange[0]):04X} has no place in YAML"
        document.mistakes.append(mistake_at(Spot(document.path, *_position(text[: strange.start()])), what))
        return
    composer = _Composer(document)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            composer.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        deep = _too_deep_in(text[: mark.index], document.path) if mark else None
        if deep:
            document.mistakes.append(deep)
            return
        spot = Spot(document.path, mark.line + 1, mark.column + 1) if mark else Spot(document.path, 1, 1)
        what = " ".join(filter(None, (error.context, error.problem))) or "this is not YAML"
        line = "".join(text.split("\n")[spot.line - 1 : spot.line])
        hint = "Indent with spaces, not with tabs." if line[spot.column - 1 :].startswith("\t") else ""
        if not hint and "${{" in line:
            hint = "Put a text with ${{ ... }} into quotes where it stands between { } or [ ], or has a colon in it."
        document.mistakes.append(mistake_at(spot, what, hint))
    except (_TooMuchError, ValueError, OverflowError) as error:  # an escape like \UFFFFFFFF is no character
        what = str(error) if isinstance(error, _TooMuchError) else f"this is not YAML: {error}"
        document.mistakes.append(mistake_at(composer.spot, what))
    else:
        if composer.root is None or (composer.root.parts is None and composer.root.value is None):
            what = "the file is empty"
            document.mistakes.append(mistake_at(Spot(document.path, 1, 1), what, "The least it can say is version: 1."))
        else:
            document.data = _Reader(document).data(composer.root, ())


def _position(before: str) -> tuple[int, int]:
    """Line and column of what follows this text."""
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _too_deep_in(before: str, path: Path) -> FileMistake | None:
    """What is too deep in the text before the place where the parser gave up.

    A parser reads up to a kilobyte ahead of its events, and libyaml has a bound on nesting of its own since PyYAML
    6.0.4: without this, it would depend on the parser which bound a file is told of.
    """
    composer = _Composer(Document(path))
    try:
        for event in yaml.parse(before, Loader=_LOADER):
            composer.take(event)
    except _TooDeepError as error:
        return mistake_at(composer.spot, str(error))
    except (yaml.MarkedYAMLError, _TooMuchError, ValueError, OverflowError):
        return None  # what is cut off in the middle is wrong in other ways, which say nothing about the file
    return None


class _TooMuchError(Exception):
    """The file is not worth reading on."""


class _TooDeepError(_TooMuchError):
    """It nests too deeply."""


@dataclass(slots=True)
class _Node:
    """A part of the tree: a scalar, or what it is made of (keys and values in turn, for a mapping).

    ``size`` counts everything in it and ``depth`` how far it goes down, anchors written out.
    """

    spot: Spot
    value: str | int | bool | None = None
    parts: list[_Node] | None = None
    mapping: bool = False
    unquoted: bool = False
    written: str = ""
    size: int = 1
    depth: int = 0


@dataclass
class _Composer:
    """Puts the parser's events together to a tree, with a stack of its own."""

    document: Document
    root: _Node | None = None
    spot: Spot = field(init=False)
    _open: list[tuple[_Node, str | None]] = field(default_factory=list)
    _anchors: dict[str, _Node] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.spot = Spot(self.document.path, 1, 1)

    def take(self, event: yaml.Event) -> None:
        """The next event."""
        mark = event.start_mark
        if mark is not None:
            self.spot = Spot(self.document.path, mark.line + 1, mark.column + 1)
        match event:
            case yaml.ScalarEvent():
                self._add(self._scalar(event), event.anchor)
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                self._check_tag(event.tag)
                self._check_depth(len(self._open))
                node = _Node(self.spot, parts=[], mapping=isinstance(event, yaml.MappingStartEvent))
                self._open.append((node, event.anchor))
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                self._add(*self._open.pop())
            case yaml.AliasEvent():
                self._add(self._referred(event.anchor), None)
            case yaml.DocumentStartEvent() if self.root is not None:
                raise _TooMuchError("a second document begins: a configuration is one")
            case _:
                pass

    def _add(self, node: _Node, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = node
        if not self._open:
            self.root = node
            return
        above, _ = self._open[-1]
        assert above.parts is not None  # noqa: S101 -- what is open is made of parts
        above.parts.append(node)
        above.size += node.size
        above.depth = max(above.depth, node.depth + 1)
        self._check_depth(above.depth)
        if above.size > _MOST_NODES:
            raise _TooMuchError(f"this has more than {_MOST_NODES} parts, anchors written out: it is no configuration")

    @staticmethod
    def _check_depth(depth: int) -> None:
        if depth >= _DEEPEST:
            raise _TooDeepError("this nests too deeply to be a configuration")

    def _referred(self, anchor: str | None) -> _Node:
        found = self._anchors.get(anchor or "")
        if found is None:
            inside = any(name == anchor for _, name in self._open)
            raise _TooMuchError(f"*{anchor} {'contains itself' if inside else 'names no anchor before it'}")
        return found

    def _scalar(self, event: yaml.ScalarEvent) -> _Node:
        self._check_tag(event.tag)
        text = event.value
        text.encode()  # PyYAML's own parser, unlike libyaml, lets "\ud800" through
        unquoted = event.implicit[0] and event.tag is None
        value: str | int | bool | None = text
        if unquoted:
            if text in _NULLS:
                value = None
            elif text in _BOOLEANS:
                value = _BOOLEANS[text]
            elif _NUMBER.fullmatch(text):
                value = int(text)
        return _Node(self.spot, value, unquoted=unquoted, written=text)

    def _check_tag(self, tag: str | None) -> None:
        if tag is not None and tag not in _TEXT_TAGS:
            shown = tag.replace("tag:yaml.org,2002:", "!!")
            what = f"the tag {shown} has no place here: the file is plain data"
            self.document.mistakes.append(mistake_at(self.spot, what))


@dataclass
class _Reader:
    """Turns the tree into data, and notes where each part stands."""

    document: Document

    def data(self, node: _Node, loc: Loc) -> object:
        """What a node stands for."""
        document = self.document
        document.spots[loc] = node.spot
        if node.unquoted:
            document.unquoted.add(loc)
        if node.parts is None:
            return node.value
        if not node.mapping:
            return [self.data(part, (*loc, number)) for number, part in enumerate(node.parts)]
        found: dict[str, object] = {}
        merged: list[_Node] = []
        for key, value in zip(node.parts[::2], node.parts[1::2], strict=True):
            if key.parts is not None:
                document.mistakes.append(mistake_at(key.spot, "a key must be text"))
            elif key.unquoted and key.written == "<<":
                merged += [value] if value.mapping or value.parts is None else value.parts
            elif key.written in found:
                first = document.keys[*loc, key.written]
                what = f"{key.written!r} stands here twice: first in line {first.line}"
                document.mistakes.append(mistake_at(key.spot, what, "Keep one of them."))
            else:
                document.keys[*loc, key.written] = key.spot
                found[key.written] = self.data(value, (*loc, key.written))
        for part in merged:
            self._merge(part, loc, found)
        return found

    def _merge(self, node: _Node, loc: Loc, found: dict[str, object]) -> None:
        """``<<``: what the mapping has and this one does not say itself."""
        if not node.mapping:
            self.document.mistakes.append(mistake_at(node.spot, "<< takes a mapping, or a list of mappings"))
            return
        other = Document(self.document.path, mistakes=self.document.mistakes)
        content = _Reader(other).data(node, loc)
        assert isinstance(content, dict)  # noqa: S101 -- a mapping reads as one
        new = content.keys() - found.keys()
        found |= {key: value for key, value in content.items() if key in new}
        here = len(loc)
        for ours, theirs in ((self.document.spots, other.spots), (self.document.keys, other.keys)):
            ours |= {part: spot for part, spot in theirs.items() if len(part) > here and part[here] in new}
        self.document.unquoted |= {part for part in other.unquoted if len(part) > here and part[here] in new}
