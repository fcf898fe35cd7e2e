"""The envelope, the JSON stream and the text of an error: what machines and people get at the end."""

from __future__ import annotations

import inspect
import io
import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdaops.core import errors
from lambdaops.core.codec import encode
from lambdaops.core.errors import AccessDeniedError, BlockedError, ExitCode, LambdaOpsError
from lambdaops.core.events import KINDS, from_record
from lambdaops.core.gates import GateResult
from lambdaops.core.model import Finding, Level, Routing
from lambdaops.core.notices import Looked, Notice, Planned, Progress, Warned
from lambdaops.core.states import State
from lambdaops.render.console import Paper
from lambdaops.render.envelope import Result, error_item, of_error, to_json, to_line
from lambdaops.render.errors import error_text
from lambdaops.render.jsonl import JsonLines
from lambdaops.render.lines import Lines
from lambdaops.render.panel import Size, panel
from tests.core.journal_values import MOMENTS, TEXTS, entries, values
from tests.render import golden
from tests.render.script import START, Script, promoted, rolled_back

CLASSES: list[type[LambdaOpsError]] = sorted(
    (cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, LambdaOpsError)),
    key=lambda cls: cls.__name__,
)
FINDINGS = (
    Finding(Level.OK, "alias", "orders:live exists"),
    Finding(Level.BLOCK, "alarms", "alarm orders-errors is ALARM", "Wait until it is OK."),
    Finding(Level.BLOCK, "role", "versions 41 and 42 have different roles", "Publish with the same role."),
    Finding(Level.WARN, "events", "a queue invokes $LATEST\x1b[31m"),
)
MISTAKES = (
    errors.FileMistake("lambdaops.yaml", 3, 5, "aliass: no such key", "Did you mean alias?"),
    errors.FileMistake("lambdaops.yaml", 9, 1, "\x1b[31mred"),
)


def make(cls: type[LambdaOpsError]) -> LambdaOpsError:
    if issubclass(cls, errors.InvalidConfigError):
        return cls("what happened: why", hint="Do this next.", mistakes=MISTAKES)
    known: dict[str, Any] = {"hint": "Do this next.", "target": "orders:live"}
    extra: dict[str, Any] = {"findings": FINDINGS} if issubclass(cls, BlockedError) else {"request_id": "req-1"}
    return cls("what happened: why", **known, **extra)


def stream_of(*notices: Notice) -> list[str]:
    stream = io.StringIO()
    sink = JsonLines(stream)
    for notice in notices:
        sink.emit(notice)
    return stream.getvalue().splitlines()


# -- envelope ------------------------------------------------------------------------------------------------------


def test_the_envelope_of_every_error() -> None:
    golden.check("envelopes", "".join(to_line(of_error("release", make(cls))) for cls in CLASSES))


def test_the_envelope_of_a_success() -> None:
    result = Result("release", ExitCode.DONE, {"target": "orders:live", "outcome": "promoted"})
    golden.check("envelope_success", to_json(result))
    assert json.loads(to_line(result)) == json.loads(to_json(result))
    assert to_line(result).count("\n") == 1


@pytest.mark.parametrize("cls", CLASSES)
def test_the_keys_are_an_api(cls: type[LambdaOpsError]) -> None:
    envelope = json.loads(to_json(of_error("status", make(cls))))
    assert list(envelope) == ["lambdaops_result_version", "command", "status", "exit_code", "data", "errors"]
    (item,) = envelope["errors"]
    assert list(item) == ["code", "message", "hint", "target", "request_id"]
    assert item == error_item(make(cls))
    assert (envelope["lambdaops_result_version"], envelope["exit_code"]) == ("1", int(cls.exit_code))


def test_every_exit_code_has_a_status() -> None:
    assert {code.name: Result("x", code).envelope()["status"] for code in ExitCode} == {
        "DONE": "success",
        "INTERNAL": "error",
        "USAGE": "error",
        "BLOCKED": "blocked",
        "ROLLED_BACK": "reverted",
        "ROLLBACK_INCOMPLETE": "error",
        "HELD": "held",
        "CONFLICT": "error",
        "AWS": "error",
        "PARTIAL": "partial",
        "INTERRUPTED": "held",
    }


def test_the_envelope_can_be_written_anywhere() -> None:
    # A name typed in another encoding reaches us with surrogates, which no stream can take.
    text = to_json(of_error("plan", errors.NotFoundError("no function Gr\udcf6ße")))
    assert text.isascii()
    assert json.loads(text)["errors"][0]["message"] == "no function Gr\udcf6ße"


# -- errors for people ---------------------------------------------------------------------------------------------


def test_the_text_of_errors() -> None:
    texts = [error_text(make(cls)) for cls in (BlockedError, AccessDeniedError)]
    golden.check("errors", "\n".join([*texts, error_text(LambdaOpsError("only this"))]))


def test_a_hint_is_not_told_twice() -> None:
    error = BlockedError("blocked", hint="Wait until it is OK.", findings=FINDINGS)
    assert error_text(error).count("Wait until it is OK.") == 1


def test_colour_only_adds_to_the_text_of_an_error() -> None:
    coloured = error_text(make(BlockedError), Paper(colour=True))
    assert "\x1b[31m✖ BLOCK\x1b[0m" in coloured
    for code in ("\x1b[31m", "\x1b[33m", "\x1b[0m"):
        coloured = coloured.replace(code, "")
    assert coloured == error_text(make(BlockedError))


def test_an_error_stays_inert() -> None:
    text = error_text(LambdaOpsError("a\nb\x1b[31m", hint="c\rd", request_id="e\x07"))
    assert text == "error: a b\ufffd[31m\n  next: c d\n  AWS request id: e\ufffd\n"


# -- JSON lines ----------------------------------------------------------------------------------------------------


def test_the_stream_of_a_release() -> None:
    script = rolled_back().warn("NOT JOURNALED: disk full", "Free some space.").say("done")
    script.notices.insert(1, Script().planned(*FINDINGS[:2]).notices[0])
    lines = stream_of(*script.notices)
    golden.check("jsonl_rolled_back", "\n".join(lines) + "\n")
    objects = [json.loads(line) for line in lines]
    assert all(list(item)[:2] == ["event", "at"] for item in objects)
    assert objects[-1] == {"event": "progress", "at": encode(script.now), "message": "done"}


def test_an_entry_in_the_stream_is_its_journal_record() -> None:
    for line, entry in zip(stream_of(*(script := promoted()).notices), script.notices, strict=True):
        item = json.loads(line)
        if item["event"] in KINDS:
            kind = item.pop("event")
            assert from_record({**item, "kind": kind}) == entry


def test_names_of_events_are_unique() -> None:
    assert not {"planned", "looked", "progress", "warned"} & set(KINDS)


NOTICES = st.one_of(
    [entries(kind) for kind in KINDS.values()]
    + [values(kind) for kind in (Planned, Progress, Warned)]
    + [st.builds(Looked, MOMENTS, st.none() | values(Routing), st.lists(values(GateResult), max_size=3).map(tuple),
                 values(State), TEXTS, MOMENTS)]
)  # fmt: skip


@given(st.lists(NOTICES, max_size=8), st.sampled_from([40, 80]))
def test_no_notice_can_break_a_sink(notices: list[Notice], columns: int) -> None:
    lines = Lines(io.StringIO())
    for notice in notices:
        lines.emit(notice)
        rows = panel(lines.view, START, Size(columns))
        assert len(rows) <= 24
    assert len([json.loads(line) for line in stream_of(*notices)]) == len(notices)


def test_times_in_the_stream_are_utc() -> None:
    local = datetime.fromisoformat("2026-11-23T15:41:07+01:00")
    assert json.loads(stream_of(Progress(local, "x"))[0])["at"].startswith("2026-11-23T14:41:07")
