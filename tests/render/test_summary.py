from __future__ import annotations

from datetime import timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from lambdaops.core.errors import (
    BlockedError,
    CredentialsExpiredError,
    ExitCode,
    FileMistake,
    InvalidConfigError,
    RollbackIncompleteError,
)
from lambdaops.core.events import Resumed, RolledBack
from lambdaops.core.gates import GateResult, Verdict
from lambdaops.core.model import Actor, Finding, Level, Routing
from lambdaops.core.states import Baking, Cause
from lambdaops.render.summary import Ending, Story, fitted, fold, page
from tests.core.journal_values import TEXTS
from tests.render import golden
from tests.render.script import LADDER, START, Script, alarm, drift, plan_of, promoted, rolled_back, stuck

ALLOWED = {"h3", "table", "thead", "tbody", "tr", "th", "td", "code", "strong", "em", "p", "ul", "li", "pre"}
ALLOWED |= {"details", "summary"}
STEPS = ("go on:   lambdaops release orders:live --to 42", "go back: lambdaops rollback orders:live")


def story_of(script: Script) -> Story:
    story = Story()
    for notice in script.notices:
        story = fold(story, notice)
    return story


class Seen(HTMLParser):
    """What a browser would show: elements and text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[object] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def seen(markdown: str) -> Seen:
    found = Seen()
    found.feed(MarkdownIt("commonmark", {"html": True, "linkify": False}).enable("table").render(markdown))
    found.close()
    return found


@pytest.mark.parametrize(
    ("name", "script", "ending"),
    [
        ("promoted", promoted(), Ending("release", ExitCode.DONE, "orders:live 41 -> 42: promoted", STEPS[1:])),
        ("rolled_back", rolled_back(), Ending("release", ExitCode.ROLLED_BACK, "orders:live 41 -> 42: rolled back")),
        ("drift", drift(), Ending("release", ExitCode.CONFLICT, "orders:live 41 -> 42: held", STEPS)),
        (
            "stuck",
            stuck(),
            Ending("release", ExitCode.ROLLBACK_INCOMPLETE, "x", STEPS, RollbackIncompleteError("AWS did not take it")),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_release(name: str, script: Script, ending: Ending) -> None:
    golden.check(f"summary_{name}", page(story_of(script), ending))


def test_errors_before_anything_began() -> None:
    findings = (
        Finding(Level.OK, "alias", "orders:live exists"),
        Finding(Level.BLOCK, "alarms", "alarm orders-errors is ALARM", "Wait until it is OK."),
        Finding(Level.WARN, "events", "a queue invokes $LATEST"),
    )
    mistakes = (FileMistake("lambdaops.yaml", 3, 5, "aliass: no such key", "Did you mean alias?"),)
    endings = [
        Ending("release", ExitCode.BLOCKED, error=BlockedError("blocked", hint="Look below.", findings=findings)),
        Ending("release", ExitCode.USAGE, error=InvalidConfigError("one mistake", mistakes=mistakes)),
        Ending("publish", ExitCode.AWS, error=CredentialsExpiredError("expired", hint="Log in.", request_id="req-1")),
    ]
    golden.check("summary_errors", "\n---\n\n".join(page(Story(), ending) for ending in endings))


def test_a_rollback() -> None:
    script = Script().tell(
        RolledBack(Routing("41", "42", 1_000), Routing("41"), "rev", "the journal", "checkout errors", "CHG-7")
    )
    found = seen(page(story_of(script), Ending("rollback", ExitCode.DONE, "returned orders:live from 42 to 41")))
    assert "lambdaops rollback: done" in found.text
    for said in ("returned orders:live from 42 to 41", "checkout errors", "CHG-7", "assumed-role/Deploy/maria"):
        assert said in found.text
    assert story_of(script).changed


def test_a_plan_keeps_its_lines() -> None:
    text = "orders:live 41 -> 42\n\n  0:00  10 %\n  5:00  <b>100 %</b>\n"
    html = page(Story(), Ending("plan", ExitCode.DONE, text))
    assert "<pre>orders:live 41 -&gt; 42\n \n  0:00  10 %\n  5:00  &lt;b&gt;100 %&lt;/b&gt;</pre>" in html


def stages_of(script: Script) -> list[list[str]]:
    html = page(story_of(script), Ending("release", ExitCode.DONE))
    table = html[html.index("<th>Stage</th>") :].partition("</table>")[0]
    rows = [row.split("</td>") for row in table.split("<tr>")[1:]]
    return [[seen(cell.replace("<td>", "")).text.strip() for cell in row[:-1]] for row in rows]


def test_a_stage_says_when_how_long_and_why() -> None:
    script = Script(plan_of(LADDER)).begun().later(1).enter(0).look().later(300).look()
    script.enter(1).look().later(20)
    script.observed(alarm(script)).reverted("orders-errors: ALARM")
    assert stages_of(script) == [
        ["1/3", "10 %", "14:41:08", "5m of 5m", "taken back", "baking, 1 of 1 gates pass"],
        ["2/3", "50 %", "14:46:08", "20s of 5m", "taken back", "orders-errors: ALARM"],
        ["3/3", "100 %", "", "", "not reached", ""],
    ]


def test_a_stage_that_another_process_entered_is_not_this_run_s() -> None:
    script = Script(plan_of(LADDER)).planned().tell(Resumed(Baking(1, START, START, START)))
    script.state = Baking(1, START, START, START)
    script.look().later(60).look()
    rows = stages_of(script)
    assert rows[0][4] == "before this run"
    assert rows[1][2:5] == ["14:41:07", "1m of 5m", "not over"]


def test_a_release_that_was_taken_up_says_who_acts_now() -> None:
    script = Script().begun("CHG-1").later(1).enter(0)
    story = story_of(script)
    assert (story.who, story.why, story.changed) == (
        "arn:aws:sts::111122223333:assumed-role/Deploy/maria",
        "CHG-1",
        True,
    )


def test_another_release_s_stages_are_not_mixed_in() -> None:
    script = Script().begun().later(1).enter(0).later(300).enter(1)
    script.run = "r-2"
    script.later(5).opened().later(1).enter(0)
    story = story_of(script)
    assert list(story.stays) == [0]
    assert story.stays[0].entered == script.now


def test_a_clock_set_back_shows_no_negative_time() -> None:
    script = Script().begun().later(1).enter(0).later(-3_600).look()
    assert stages_of(script)[0][3] == "0s of 5m"
    assert "Took" in page(story_of(script), Ending("release", ExitCode.DONE))


# -- nothing from outside is markup --------------------------------------------------------------------------------


def hostile(text: str) -> tuple[Story, Ending]:
    script = Script(plan_of(strategy=text, alarms=(text,)))
    script.planned(Finding(Level.WARN, "a", text, text)).opened(text).later(1).enter(0).look(text).warn(text, text)
    script.observed(GateResult(text, Verdict.FAIL, text)).hold(Cause.DRIFT, text)
    story = fold(story_of(script), script.notices[-1])
    who = Actor(text, text)
    story = Story(
        story.view, who.arn, text, text, START, START + timedelta(1), True, story.findings, story.stays, story.told
    )
    error = BlockedError(text, hint=text, target=text, findings=(Finding(Level.BLOCK, "a", text, text),))
    return story, Ending("release", ExitCode.BLOCKED, f"{text}\n{text}", (text,), error)


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "</code></td></tr></table>\n\n# heading\n\n[x](https://example.com)",
        "</pre>\n\n![x](https://example.com/a.png)",
        "| a | b |\n|---|---|\n| c | d |",
        "&lt;b&gt; &amp; <b>",
        "`code` **bold** @maria #1 :tada: $x$ ~~x~~",
        "\n\n\n> quote\n\n- list\n\n---\n\n```\ncode\n```",
        "<!-- ",
        "<![CDATA[",
        "<?php",
    ],
)
def test_hostile_text_is_text(text: str) -> None:
    found = seen(page(*hostile(text)))
    assert found.tags <= ALLOWED
    assert found.attributes == []
    assert " ".join(text.split()) in " ".join(found.text.split())


@given(st.one_of(TEXTS, st.text(alphabet=st.sampled_from(list("<>&\"'`|*_[]()!#-=\n\r \tab/\\\u2028")), max_size=40)))
def test_any_text_is_text(text: str) -> None:
    found = seen(page(*hostile(text)))
    assert found.tags <= ALLOWED
    assert found.attributes == []


# -- size ----------------------------------------------------------------------------------------------------------


def test_a_page_has_an_end() -> None:
    script = Script(plan_of(alarms=tuple(f"{'ß' * 250}{n}" for n in range(3_000)))).begun().later(1).enter(0)
    text = page(story_of(script), Ending("release", ExitCode.DONE, "done"))
    assert len(text.encode()) <= 1024 * 1024
    assert text.startswith("<h3>")
    assert seen(text).tags <= ALLOWED


@given(st.integers(0, 4_000))
def test_what_does_not_fit_is_left_out_in_whole_blocks(room: int) -> None:
    story, ending = story_of(promoted()), Ending("release", ExitCode.DONE, "done", STEPS)
    whole, text = page(story, ending), page(story, ending, room)
    assert len(text.encode()) <= room
    if text != whole:
        assert text == "" or text.endswith("did not fit: the job's log has it.</em></p>\n")
        assert text.count("<table>") == text.count("</table>")


def test_everything_fits_to_the_byte() -> None:
    blocks = ["<p>ä</p>\n", "<p>b</p>\n"]
    whole = "\n".join(blocks)
    assert fitted(blocks, len(whole.encode())) == whole
    assert fitted(blocks, len(whole.encode()) - 1) == ""
