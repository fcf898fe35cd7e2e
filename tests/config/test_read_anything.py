"""The configuration's reader and anything at all: bytes, trees, and right documents made up by Hypothesis."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import yaml
from hypothesis import given
from hypothesis import strategies as st

from lambdaops.config.read import Config, read_config
from lambdaops.core.errors import FileMistake, InvalidConfigError


def read(directory: str, content: bytes) -> Config:
    path = Path(directory, "lambdaops.yaml")
    path.write_bytes(content)
    return read_config(path)


_WORDS = st.sampled_from(
    [*"{}[],'\"#|~\n\t1", "version", "functions", "prod", "alias", "on", "<<", "*a", "&a ", "!!str ", ": ", "- ", "? "]
)


@given(st.one_of(st.binary(), st.text().map(str.encode), st.lists(_WORDS).map("".join).map(str.encode)))
def test_bytes_are_read_or_refused(content: bytes) -> None:
    read_or_refuse(content)


_KEYS = st.one_of(
    st.sampled_from(["version", "defaults", "strategies", "functions", "environments", "notify", "prod", "orders"]),
    st.sampled_from(
        ["alias", "strategy", "alarms", "ignore-alarms", "bake", "account", "region", "freeze", "[key]", "<<"]
    ),
    st.sampled_from(["name", "from", "to", "timezone", "slack", "url-from-env", "sns", "topic", "on", "reason"]),
    st.text(max_size=5),
)
_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | _KEYS
_TREES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=5), max_leaves=30
)


@given(st.dictionaries(_KEYS, _TREES, max_size=6))
def test_trees_are_read_or_refused(tree: dict[str, object]) -> None:
    read_or_refuse(json.dumps({"version": 1, **tree}, ensure_ascii=False).encode("utf-8", "replace"))


def read_or_refuse(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as directory:
        try:
            found: tuple[FileMistake, ...] = ()
            assert read(directory, content).file.version == 1
        except InvalidConfigError as error:
            found = error.mistakes
    assert all(item.line >= 1 and item.column >= 1 and item.message for item in found)


_NAMES = st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True)
_DURATIONS = st.sampled_from(["0s", "45s", "5m", "1h30m", "7d"])
_ALARMS = st.lists(st.sampled_from(["orders-health", "{function}-*", "{alias} [ab]?", "x"]), max_size=3)
_FUNCTIONS = st.fixed_dictionaries(
    {},
    optional={
        "alias": _NAMES.filter(lambda name: not name.isdecimal()),
        "strategy": st.sampled_from(
            ["canary", "linear:20%:2m", "5%:2m,100%:10m", "careful", "Linear10PercentEvery1Minute"]
        ),
        "bake": _DURATIONS,
        "alarms": _ALARMS,
        "ignore-alarms": _ALARMS,
        "look-every": _DURATIONS.filter(lambda text: text != "0s"),
        "patience": _DURATIONS,
        "on-inconclusive": st.sampled_from(["rollback", "hold"]),
        "reason": st.sampled_from(["required", "optional"]),
    },
)
_CHANNELS = st.sampled_from([{"slack": {"url-from-env": "HOOK"}}, {"eventbridge": {"bus": "default"}}])
_NOTIFY = st.lists(
    st.builds(lambda channel, on: channel | on, _CHANNELS, st.sampled_from([{}, {"on": ["held"]}])), max_size=2
)
_FREEZE = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.text("abc é:#", min_size=1),
            "from": st.just("Fri 16:00"),
            "to": st.sampled_from(["Mon 07:00", "Fri 15:59"]),
            "timezone": st.sampled_from(["UTC", "Europe/Berlin"]),
        }
    ),
    max_size=2,
)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, object]:
    """A document without a mistake."""
    functions = draw(st.dictionaries(_NAMES, st.none() | _FUNCTIONS, max_size=4))
    overrides = (
        st.dictionaries(st.sampled_from(sorted(functions)), st.none() | _FUNCTIONS) if functions else st.just({})
    )
    environment = st.fixed_dictionaries(
        {
            "account": st.from_regex("[1-9][0-9]{11}", fullmatch=True),
            "region": st.sampled_from(["eu-central-1", "us-gov-west-1"]),
        },
        optional={
            "profile": st.text("ab c", min_size=1).filter(lambda text: text == text.strip()),
            "confirm": st.sampled_from(["ask", "type-target"]),
            "functions": st.none() | overrides,
            "freeze": _FREEZE,
            "notify": _NOTIFY,
        },
    )
    rest = st.fixed_dictionaries(
        {},
        optional={
            "defaults": st.none() | _FUNCTIONS,
            "environments": st.none()
            | st.dictionaries(_NAMES.filter(lambda name: name[0].isalnum()), environment, max_size=3),
            "notify": _NOTIFY,
        },
    )
    return {"version": 1, "strategies": {"careful": "5%:2m,100%:10m"}, "functions": functions, **draw(rest)}


@given(documents(), st.booleans())
def test_a_right_document_reads_back(document: dict[str, object], flow: bool) -> None:
    with tempfile.TemporaryDirectory() as directory:
        config = read(directory, yaml.safe_dump(document, default_flow_style=flow, allow_unicode=True).encode())
    assert config.file.model_dump(by_alias=True, exclude_unset=True) == document
