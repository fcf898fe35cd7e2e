from __future__ import annotations

import io
import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdaops.core.errors import BlockedError, ExitCode, FileMistake, InvalidConfigError, NotFoundError
from lambdaops.core.events import Published, PublishFailed, PublishStarted, RolledBack
from lambdaops.core.model import Finding, Level, Routing
from lambdaops.core.states import Awaiting, Baking, Cause, Outcome, Paused, Signal
from lambdaops.render.envelope import dumped
from lambdaops.render.github import GithubLog, annotation, defused, error_annotations, output_lines, outputs
from lambdaops.render.gitlab import GitlabLog
from lambdaops.render.lines import Dialect, Lines
from lambdaops.render.summary import Chronicle, Story
from tests.core.journal_values import TEXTS
from tests.render import golden
from tests.render.script import Script, drift, plan_of, promoted, rolled_back, stuck

if TYPE_CHECKING:
    from lambdaops.core.notices import Notice

COMMANDS = {"group", "endgroup", "notice", "warning", "error", "add-mask", "stop-commands", "set-output", "debug"}


def log_of(script: Script, dialect: Dialect) -> str:
    stream = io.StringIO()
    sink = Lines(stream, dialect)
    for notice in script.notices:
        sink.emit(notice)
    sink.close()
    return stream.getvalue()


def obeyed(text: str) -> list[tuple[str, str]]:
    """The commands that the runner sees in a log, and their values; after ActionCommand.cs."""
    found = []
    for line in re.split(r"\r\n|\n|\r", text):
        new = re.match(r"\s*::([^:\s]*)(?: [^:]*(?::[^:]+)*?)?::(.*)", line)
        old = re.search(r"##\[([^\] ]*)[^\]]*\](.*)", line)
        if new and new[1] in COMMANDS:
            found.append((new[1], new[2]))
        elif old and old[1] in COMMANDS:
            found.append((old[1], old[2]))
    return found


def names(text: str) -> list[str]:
    return [name for name, _ in obeyed(text)]


# -- the job's log -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "script"),
    [("promoted", promoted()), ("rolled_back", rolled_back()), ("drift", drift()), ("stuck", stuck())],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_release(name: str, script: Script) -> None:
    golden.check(f"github_{name}", log_of(script, GithubLog()))
    golden.check(f"gitlab_{name}", log_of(script, GitlabLog()).replace("\r", "<CR>"))


def everything() -> Script:
    script = Script().tell(PublishStarted("build/orders.zip", "abc"), release="").say("uploading, 3.1 MB")
    script.tell(Published("42", "abc", new=True), release="")
    script.planned(Finding(Level.OK, "a", "fine"), Finding(Level.WARN, "alarms", "no alarm watches this release"))
    script.opened("CHG-7").later(1).enter(0).look().warn("NOT JOURNALED: disk full, 100 %", "Free some space.")
    baking = script.state
    assert isinstance(baking, Baking)
    script.later(60).signal(Signal.PAUSE, "lunch")
    script.decided(Paused("lunch", baking, script.now, timedelta(hours=1)), "paused by maria: lunch")
    script.later(60).decided(Awaiting(baking, script.now, timedelta(hours=1)), "waits for approval, at most 1h")
    script.tell(RolledBack(Routing("41", "42", 1_000), Routing("41"), "rev", "--to", "CHG-7"), release="b-1")
    return script.close(Outcome.SUPERSEDED, "somebody rolled it back")


def test_everything_else_that_can_be_told() -> None:
    golden.check("github_others", log_of(everything(), GithubLog()))


@pytest.mark.parametrize("script", [promoted(), rolled_back(), drift(), stuck(), everything()])
def test_every_group_that_is_opened_is_closed_before_the_next(script: Script) -> None:
    marks = [name for name in names(log_of(script, GithubLog())) if name in ("group", "endgroup")]
    assert marks == ["group", "endgroup"] * (len(marks) // 2)
    assert marks


@pytest.mark.parametrize("script", [promoted(), rolled_back(), drift(), stuck(), everything()])
def test_gitlab_s_marks_come_in_pairs_of_one_name(script: Script) -> None:
    marks = re.findall(
        r"\x1b\[0Ksection_(start|end):\d+:([A-Za-z0-9_.-]+)(?:\[collapsed=true\])?\r\x1b\[0K",
        log_of(script, GitlabLog()),
    )
    assert len(marks) >= 2
    for (opened, name), (closed, same) in zip(marks[::2], marks[1::2], strict=True):
        assert (opened, closed, name) == ("start", "end", same)
    assert len({name for _, name in marks}) == len(marks) / 2


def test_a_group_is_closed_when_the_operation_fails_in_the_middle_of_a_stage() -> None:
    script = Script().begun().later(1).enter(0).look()
    assert names(log_of(script, GithubLog())) == ["group", "endgroup"]


def test_closing_a_log_that_was_told_nothing_writes_nothing() -> None:
    assert log_of(Script(), GithubLog()) == ""


def test_what_must_be_seen_is_in_no_group() -> None:
    depth = 0
    for line in log_of(rolled_back(), GithubLog()).splitlines():
        depth += {"::group:": 1, "::endgro": -1}.get(line[:8], 0)
        if "rolling back" in line or "rolled back" in line:
            assert depth == 0, line


def test_a_publication_that_fails_ends_its_group() -> None:
    script = Script().tell(PublishStarted("a.zip", "abc"), release="").say("uploading")
    script.tell(PublishFailed("rejected", "too big"), release="")
    lines = log_of(script, GithubLog()).splitlines()
    assert lines[0] == "::group::publish a.zip"
    assert lines[-2:] == ["::endgroup::", "14:41:07  publish failed: rejected: too big"]


# -- nothing from outside is a command -----------------------------------------------------------------------------

HOSTILE = [
    "::error::pwned",
    "x\n::add-mask::a",
    "x\r::error::pwned",
    "##[error]pwned",
    "####[group]x",
    " \t::stop-commands::x",
    "100 %0A::error::x",
    "\x1b[0m\n\u2028::error::x",
    "a::b,c=d",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_and_reasons_are_text(text: str) -> None:
    script = Script(plan_of(strategy=text, alarms=(text,))).begun(text).later(1).enter(0).look(text).warn(text, text)
    script.failed(text, text, text).say(text).later(61).look(text).hold(Cause.DRIFT, text)
    tame = Script(plan_of(strategy="s", alarms=("a",))).begun("r").later(1).enter(0).look("l").warn("w", "h")
    tame.failed("c", "m", "i").say("p").later(61).look("l").hold(Cause.DRIFT, "d")
    assert names(log_of(script, GithubLog())) == names(log_of(tame, GithubLog()))


@given(st.text(alphabet=st.sampled_from(list(":#[]% \n\r\tab\u2028\x0b\x85\ufeff")), max_size=30))
def test_defused_text_has_no_command(text: str) -> None:
    padded = f"{text}error::x\n{text}[error]x\n::error::{text}\n##[error]{text}"
    assert obeyed(defused(padded)) == []
    assert not re.search(r"^\s*::", defused(padded), re.MULTILINE)
    assert "##[" not in defused(padded)


@pytest.mark.parametrize("space", ["", " ", "\t ", "\u2003", "\u00a0"])
def test_white_space_hides_no_command(space: str) -> None:
    assert defused(f"a\n{space}::error::x") == f"a\n{space}: :error::x"


def test_text_without_commands_stays_as_it_is() -> None:
    text = "orders:live 41 -> 42: promoted\n  undo:    lambdaops rollback a::b\n"
    assert defused(text) == text


@given(TEXTS, TEXTS)
def test_an_annotation_is_one_command_with_this_text(text: str, title: str) -> None:
    line = annotation("error", text, title=title)
    assert line.count("\n") == 1
    head, _, value = line.rstrip("\n").partition("::")[2].partition("::")
    assert head.partition(" ")[0] == "error"
    assert "," not in head
    assert "##[" not in value
    assert re.sub("%25", "", value).count("%") == 0


def test_the_escapes_of_a_command() -> None:
    assert annotation("warning", "100 %: a,b", title="a:b,c 5%", file="") == (
        "::warning title=a%3Ab%2Cc 5%25::100 %25: a,b\n"
    )
    assert annotation("notice", "x") == "::notice::x\n"


def test_json_in_a_log_is_no_command_and_the_same_json() -> None:
    assert dumped({"a": "##[error]x"}) == '{"a": "\\u0023#[error]x"}\n'


# -- errors --------------------------------------------------------------------------------------------------------


def test_the_annotations_of_errors() -> None:
    findings = (
        Finding(Level.OK, "alias", "orders:live exists"),
        Finding(Level.BLOCK, "alarms", "alarm orders-errors is ALARM", "Wait until it is OK."),
        Finding(Level.WARN, "events", "a queue invokes $LATEST"),
    )
    mistakes = (
        FileMistake("a,b.yaml", 3, 5, "aliass: no such key", "Did you mean alias?"),
        FileMistake("c", 1, 1, "x"),
    )
    found = [
        BlockedError("2 findings block", hint="See above.", target="orders:live", findings=findings),
        InvalidConfigError("two mistakes", mistakes=mistakes),
        NotFoundError("no function orders"),
    ]
    golden.check("github_errors", "".join(line for error in found for line in error_annotations(error)))


# -- outputs -------------------------------------------------------------------------------------------------------


def story_of(*notices: Notice) -> Story:
    chronicle = Chronicle()
    for notice in notices:
        chronicle.emit(notice)
    return chronicle.story


def test_the_outputs_of_a_release() -> None:
    data = {"outcome": "promoted", "release": "r-1", "stable": "41", "candidate": "42", "changed": True}
    assert outputs(Story(), ExitCode.DONE, data) == {
        "outcome": "promoted",
        "release": "r-1",
        "stable": "41",
        "candidate": "42",
        "exit_code": "0",
        "changed": "true",
    }


def test_an_error_in_the_middle_of_a_release_still_says_what_is_known() -> None:
    script = Script().begun().later(1).enter(0)
    assert outputs(story_of(*script.notices), ExitCode.AWS, {}) == {
        "outcome": "error",
        "release": script.run,
        "stable": "41",
        "candidate": "42",
        "exit_code": "8",
        "changed": "true",
    }


def test_the_outputs_before_anything_is_known() -> None:
    assert outputs(Story(), ExitCode.BLOCKED, {}) == {
        "outcome": "blocked",
        "release": "",
        "stable": "",
        "candidate": "",
        "exit_code": "3",
        "changed": "false",
    }


def test_the_outputs_of_a_rollback_and_of_a_publication() -> None:
    back = outputs(Story(), ExitCode.DONE, {"before": "42", "after": "41", "changed": True})
    assert (back["outcome"], back["stable"], back["candidate"], back["changed"]) == ("success", "41", "", "true")
    published = outputs(Story(), ExitCode.DONE, {"version": "42", "new": False})
    assert (published["candidate"], published["changed"]) == ("42", "false")


@given(TEXTS)
def test_no_output_begins_another(text: str) -> None:
    written = output_lines({"outcome": text, "changed": "true"})
    lines = re.split(r"\r\n|\n|\r", written)
    assert len(lines) == 3
    assert lines[0].startswith("outcome=")
    assert lines[1:] == ["changed=true", ""]


def test_an_output_that_looks_like_a_delimiter_is_a_value() -> None:
    # The runner reads NAME<<DELIMITER only where << comes before the first =.
    assert output_lines({"outcome": "<<EOF"}) == "outcome=<<EOF\n"
