"""What is worth telling, to whom, and in what form."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lambdaops.core.events import Closed, Decided, Event, Landed, Observed, Opened, Resumed, RolledBack, Signalled
from lambdaops.core.messages import cloud_event, data_of, headline, plain_text, slack, subject
from lambdaops.core.model import Actor, Routing
from lambdaops.core.notifications import EventBridgeChannel, Message, Moment, SnsChannel, Story, id_of, needs_journal
from lambdaops.core.states import Awaiting, Cause, Held, Outcome, Paused, Ready, Reverting, Signal, State
from tests.core.journal_values import EVENTS, MOMENTS, TEXTS, entries
from tests.core.machine_values import NOON
from tests.core.test_replay import ACTOR, ARN, BAKING, TENTH, plan_of
from tests.core.test_replay import Story as Journal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambdaops.core.events import Entry

BACK = Routing("1")
HELD = Held("alarm errors has no data", Cause.INCONCLUSIVE, BAKING)
AWAITING = Awaiting(BAKING, NOON, timedelta(hours=1))
PAUSED = Paused("wait", BAKING, NOON, timedelta(hours=1))


def told(heard: Iterable[Entry], journal: Iterable[Entry] | None = None, story: Story | None = None) -> list[Message]:
    """What a process tells that writes these records; ``journal`` is what it can read, else what it wrote."""
    heard, story, found = list(heard), story or Story("prod"), []
    for number, entry in enumerate(heard, 1):
        known = heard[:number] if journal is None else list(journal)
        story, message = story.heard(entry, known if needs_journal(entry) else ())
        found += [message] if isinstance(message, Message) else []
    return found


def moments(heard: Iterable[Entry], journal: Iterable[Entry] | None = None) -> list[str]:
    return [message.moment.value for message in told(heard, journal)]


def begun(*events: Event) -> Journal:
    """A release in its first stage, and what happened then."""
    return Journal().shifts("r-1", "1", "2", stages=1).add("r-1", *events)


def decided(state: State) -> Decided:
    return Decided(state, getattr(state, "reason", "why"))


# -- when ----------------------------------------------------------------------------------------------------------

CASES: dict[str, tuple[Journal, list[str]]] = {
    "opened only": (Journal().opens("r-1", "1", "2"), []),
    "refused before anything moved": (Journal().opens("r-1", "1", "2").closes("r-1", Outcome.REFUSED), []),
    "first stage": (begun(), ["started"]),
    "every stage, once": (Journal().shifts("r-1", "1", "2"), ["started"]),
    "promoted": (Journal().promotes("r-1", "1", "2"), ["started", "promoted"]),
    "all at once": (Journal().opens("r-1", "1", "2").lands("r-1", 1, Routing("2")), ["started"]),
    "a look": (begun(Observed(TENTH, (), ())), ["started"]),
    "held": (begun(decided(HELD)), ["started", "held"]),
    "held, decided again": (begun(decided(HELD), Decided(HELD, "hold changes nothing now", 7)), ["started", "held"]),
    "held, with another reason": (
        begun(decided(HELD), decided(replace(HELD, reason="other"))),
        ["started", "held"],
    ),
    "held again after it went on": (begun(decided(HELD), Resumed(BAKING), decided(HELD)), ["started", "held", "held"]),
    "held before the first write": (
        Journal().opens("r-1", "1", "2").add("r-1", decided(Held("drift", Cause.DRIFT, Ready(NOON)))),
        ["held"],
    ),
    "waits for approval": (begun(decided(AWAITING)), ["started", "held"]),
    "waits, then is held": (
        begun(decided(AWAITING), decided(Held("nobody approved", Cause.INCONCLUSIVE, AWAITING))),
        ["started", "held", "held"],
    ),
    "paused by a person": (begun(Signalled(Signal.PAUSE, "wait"), decided(PAUSED)), ["started"]),
    "paused for too long": (
        begun(decided(PAUSED), decided(Held("paused for 1h", Cause.PAUSED, BAKING))),
        ["started", "held"],
    ),
    "rolled back": (Journal().shifts("r-1", "1", "2", 1).reverts("r-1", 2, "1"), ["started", "rolled-back"]),
    "rolled back, unsettled first write": (
        Journal().opens("r-1", "1", "2").reverts("r-1", 2, "1"),
        ["rolled-back"],
    ),
    "superseded by a hand": (begun(Closed(Outcome.SUPERSEDED, "somebody else")), ["started", "rolled-back"]),
    "a rollback alone": (Journal().rolled_back(Routing("2"), "1"), ["rolled-back"]),
    "the next release": (
        Journal().promotes("r-1", "1", "2").promotes("r-2", "2", "3"),
        ["started", "promoted", "started", "promoted"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_each_moment_is_told_once(name: str) -> None:
    journal, wanted = CASES[name]
    assert moments(journal.entries) == wanted


@pytest.mark.parametrize("outcome", [Outcome.SUPERSEDED, Outcome.ROLLED_BACK])
def test_a_rollback_by_another_process_is_told_by_that_process(outcome: Outcome) -> None:
    whole = begun().rolled_back(TENTH, "1").closes("r-1", outcome)
    driver = [entry for entry in whole.entries if entry.release == "r-1"]
    other = [entry for entry in whole.entries if entry.release == "b-1"]
    assert moments(driver, whole.entries) == ["started"]
    assert moments(other, whole.entries) == ["rolled-back"]


def test_who_takes_a_release_up_tells_of_it_from_there_on() -> None:
    journal = begun(decided(HELD), Resumed(BAKING))
    first = len(journal.entries)
    journal.lands("r-1", 2, Routing("2")).closes("r-1", Outcome.PROMOTED)
    heard = journal.entries[first - 1 :]
    (message,) = told(heard, journal.entries)
    assert (message.moment, message.stable, message.candidate) == (Moment.PROMOTED, "1", "2")


def test_who_takes_a_release_up_before_its_first_write_tells_that_it_started() -> None:
    journal = Journal().opens("r-1", "1", "2").add("r-1", Resumed(Ready(NOON)))
    journal.lands("r-1", 1, TENTH)
    assert moments(journal.entries[1:], journal.entries) == ["started"]


@pytest.mark.parametrize("signal", [Signal.ROLLBACK, Signal.PROMOTE, Signal.RESUME])
def test_who_steers_a_release_hears_its_end_and_does_not_tell_it(signal: Signal) -> None:
    journal = begun(Signalled(signal, "please"), decided(HELD)).closes("r-1", Outcome.PROMOTED)
    heard = journal.entries[3:]
    assert isinstance(heard[0].event, Signalled)
    assert moments(heard, journal.entries) == []


def test_an_abort_that_nobody_heeds_tells_its_own_rollback() -> None:
    journal = begun(Signalled(Signal.ROLLBACK, "please")).rolled_back(TENTH, "1")
    assert moments(journal.entries[3:], journal.entries) == ["rolled-back"]


def test_a_release_whose_journal_is_lost_goes_back_aloud() -> None:
    journal = begun()
    heard = [
        *journal.entries,
        *(
            replace(entry, seq=None, at=NOON + timedelta(seconds=60 + n))
            for n, entry in enumerate(begun(decided(Reverting("no journal", NOON)), decided(HELD)).entries[-2:])
        ),
    ]
    heard.append(replace(heard[-1], event=Closed(Outcome.ROLLED_BACK, "no journal"), at=NOON + timedelta(seconds=99)))
    found = told(heard)
    assert [message.moment for message in found] == [Moment.STARTED, Moment.HELD, Moment.ROLLED_BACK]
    assert len({message.id for message in found}) == 3


@given(st.lists(st.one_of([entries(type(event)) for event in (Closed(Outcome.REFUSED, ""),)] + [EVENTS]), max_size=5))
def test_records_in_any_order_are_taken_in(parts: list[Any]) -> None:
    journal = Journal()
    for part in parts:
        journal.add("r-1", getattr(part, "event", part))
    told(journal.entries)


# -- what ----------------------------------------------------------------------------------------------------------


def message_of(*events: Event, opened: Opened | None = None) -> Message:
    journal = Journal().add("r-1", opened or Opened(plan_of("1", "2"), "rev", (), "CHG-1 approved", "CHG-1"))
    return told(journal.add("r-1", *events).entries)[-1]


def test_a_message_says_who_what_and_why() -> None:
    message = message_of(Landed(1, TENTH, "rev-1"))
    assert message == Message(
        moment=Moment.STARTED,
        id="r-1-2",
        at=NOON + timedelta(seconds=1),
        target=ARN,
        release="r-1",
        actor=ACTOR,
        stable="1",
        candidate="2",
        environment="prod",
        why="version 2 takes 10 % of the traffic; stages 10%:1m, 50%:1m, 100%:1m",
        reason="CHG-1 approved",
        ticket="CHG-1",
        next="lambdaops status orders:live --env prod",
    )


def test_a_rollback_s_own_words_are_told() -> None:
    event = RolledBack(TENTH, BACK, "rev", "stable in release r-1", "checkout errors", "INC-7")
    (message,) = told(Journal().add("b-1", event).entries)
    assert (message.stable, message.candidate) == ("1", "2")
    assert (message.reason, message.ticket) == ("checkout errors", "INC-7")
    assert message.why == "from 1 90 % + 2 10 % to 1 (stable in release r-1)"
    assert headline(message) == "orders:live rolled back: 2 -> 1 (prod)"


def test_a_rollback_that_called_off_what_had_not_moved_names_one_version() -> None:
    (message,) = told(Journal().rolled_back(BACK, "1").entries)
    assert headline(message) == "orders:live rolled back: 1 (prod)"


NEXT_STEPS = [
    (decided(HELD), "lambdaops resume orders:live --env prod, or lambdaops rollback orders:live --env prod"),
    (decided(AWAITING), "lambdaops promote orders:live --env prod, or lambdaops rollback orders:live --env prod"),
    (
        decided(Held("denied", Cause.STUCK, Reverting("alarm", NOON))),
        "ACT NOW: lambdaops rollback orders:live --env prod --to 1",
    ),
    (Closed(Outcome.PROMOTED, "done"), "undo: lambdaops rollback orders:live --env prod"),
    (Closed(Outcome.ROLLED_BACK, "alarm"), "lambdaops status orders:live --env prod"),
]


@pytest.mark.parametrize(("event", "step"), NEXT_STEPS, ids=lambda value: str(value)[:30])
def test_the_next_step_fits(event: Event, step: str) -> None:
    assert message_of(event).next == step


def test_urls_in_the_tool_s_own_words_are_left_out_and_the_operator_s_stay() -> None:
    why = 'Could not connect to the endpoint URL: "https://user:secret@lambda.example/x?token=1"'
    opened = Opened(plan_of("1", "2"), "rev", (), "see https://wiki.example/42")
    message = message_of(Closed(Outcome.ROLLED_BACK, why), opened=opened)
    assert message.why == 'Could not connect to the endpoint URL: "[URL]'
    assert message.reason == "see https://wiki.example/42"


def test_the_same_record_has_the_same_id() -> None:
    (entry, *_) = Journal().opens("r-1", "1", "2").entries
    assert id_of(entry) == id_of(replace(entry, at=NOON + timedelta(days=1))) == "r-1-1"
    lost = replace(entry, seq=None)
    assert id_of(lost) != id_of(replace(lost, at=lost.at + timedelta(milliseconds=1)))


@pytest.mark.parametrize(
    ("bus", "region"), [("default", None), ("arn:aws:events:eu-west-1:111122223333:event-bus/ops", "eu-west-1")]
)
def test_a_bus_is_where_its_arn_says(bus: str, region: str | None) -> None:
    assert EventBridgeChannel(bus).region == region


def test_a_topic_is_where_its_arn_says() -> None:
    assert SnsChannel("arn:aws:sns:us-east-1:111122223333:releases").region == "us-east-1"


# -- in what form --------------------------------------------------------------------------------------------------

# Everything a str can hold, lone surrogates of undecodable arguments included.
ANY_TEXT = st.text(st.characters(), max_size=40) | st.sampled_from(
    ["<!channel>", "a&b", "x" * 4000, "\u202e", "\ud800"]
)
MESSAGES = st.builds(
    Message,
    moment=st.sampled_from(Moment),
    id=TEXTS,
    at=MOMENTS,
    target=st.just(ARN) | ANY_TEXT,
    release=TEXTS,
    actor=st.builds(Actor, ANY_TEXT, ANY_TEXT, ANY_TEXT),
    stable=ANY_TEXT,
    candidate=ANY_TEXT,
    environment=ANY_TEXT,
    why=ANY_TEXT,
    reason=ANY_TEXT,
    ticket=ANY_TEXT,
    next=ANY_TEXT,
)
SAMPLE = Message(
    moment=Moment.PROMOTED,
    id="r-1-9",
    at=datetime(2026, 11, 2, 11, 0, 0, 123456, tzinfo=timezone(timedelta(hours=1))),
    target=ARN,
    release="r-1",
    actor=replace(ACTOR, run="github:acme/shop/actions/runs/7", commit="8c1e2f3a9b7d", tool="lambdaops 1.2.3"),
    stable="41",
    candidate="42",
    environment="prod",
    why="every stage was good",
    reason="<!channel> a&b",
    ticket="CHG-1",
    next="undo: lambdaops rollback orders:live --env prod",
)


def texts_of(body: Any) -> list[str]:
    if isinstance(body, dict):
        return [
            text
            for key, part in body.items()
            for text in ([part] if key == "text" and isinstance(part, str) else texts_of(part))
        ]
    return [text for part in body for text in texts_of(part)] if isinstance(body, list) else []


def test_slack_s_form() -> None:
    def mrkdwn(text: str) -> dict[str, object]:
        return {"type": "mrkdwn", "text": text, "verbatim": True}

    def section(text: str) -> dict[str, object]:
        return {"type": "section", "text": mrkdwn(text)}

    facts = [
        f"by {ACTOR.arn}",
        "on laptop",
        "run github:acme/shop/actions/runs/7",
        "commit 8c1e2f3a9b7d",
        "ticket CHG-1",
        "release r-1",
    ]
    assert slack(SAMPLE) == {
        "text": "orders:live promoted: 41 -&gt; 42 (prod)",
        "blocks": [
            section(":white_check_mark: *orders:live promoted: 41 -&gt; 42 (prod)*"),
            section("*why* every stage was good"),
            section("*reason* &lt;!channel&gt; a&amp;b"),
            section("*next* undo: lambdaops rollback orders:live --env prod"),
            {"type": "context", "elements": [mrkdwn(text) for text in facts]},
        ],
    }


def test_a_cloud_event() -> None:
    assert cloud_event(SAMPLE) == {
        "specversion": "1.0",
        "id": "r-1-9",
        "source": "lambdaops",
        "type": "lambdaops.release.promoted",
        "subject": ARN,
        "time": "2026-11-02T10:00:00.123Z",
        "datacontenttype": "application/json",
        "data": {
            "moment": "promoted",
            "target": "orders:live",
            "function": "orders",
            "alias": "live",
            "region": "eu-central-1",
            "account": "111122223333",
            "environment": "prod",
            "release": "r-1",
            "stable": "41",
            "candidate": "42",
            "why": "every stage was good",
            "reason": "<!channel> a&b",
            "ticket": "CHG-1",
            "actor": {"arn": ACTOR.arn, "host": "laptop"},
            "run": "github:acme/shop/actions/runs/7",
            "commit": "8c1e2f3a9b7d",
            "tool": "lambdaops 1.2.3",
            "next": "undo: lambdaops rollback orders:live --env prod",
        },
    }


def test_a_mail() -> None:
    assert subject(SAMPLE) == "orders:live promoted: 41 -> 42 (prod)"
    assert plain_text(SAMPLE).splitlines()[:5] == [
        "orders:live promoted: 41 -> 42 (prod)",
        "",
        "why: every stage was good",
        "reason: <!channel> a&b",
        "next: undo: lambdaops rollback orders:live --env prod",
    ]


@example(replace(SAMPLE, why="&" * 4000, reason="<" * 4000, ticket="x" * 9999))
@given(MESSAGES)
def test_slack_takes_it_and_sees_no_markup_of_ours_in_it(message: Message) -> None:
    body = slack(message)
    json.dumps(body).encode("ascii")
    blocks: Any = body["blocks"]
    assert len(blocks) <= 50
    assert 1 <= len(blocks[-1]["elements"]) <= 10 or not message.release.strip()
    for text in texts_of(body):
        text.encode("utf-8")
        assert 0 < len(text) <= 3000
        assert "<" not in text
        assert ">" not in text
        assert not re.search(r"&(?!amp;|lt;|gt;)", text)


@given(MESSAGES)
def test_every_form_is_one_that_its_channel_takes(message: Message) -> None:
    line = subject(message)
    assert 0 < len(line) < 100
    assert line.isascii()
    assert line.isprintable()
    assert not line.startswith(" ")
    plain_text(message).encode("utf-8")
    event = json.dumps(cloud_event(message))
    assert len(event) < 64 * 1024
    assert json.loads(event)["data"].keys() == data_of(SAMPLE).keys()
    at = datetime.fromisoformat(json.loads(event)["time"])
    assert at.tzinfo == UTC
    assert abs(at - message.at) < timedelta(milliseconds=1)


@given(st.text(max_size=600))
def test_escaping_loses_nothing(reason: str) -> None:
    shown = " ".join("".join(char if char.isprintable() else " " for char in reason).split())
    found = [text for text in texts_of(slack(replace(SAMPLE, reason=reason))) if text.startswith("*reason* ")]
    if not reason.strip():
        assert found == []
        return
    read = found[0].removeprefix("*reason* ").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert read == (shown if len(shown) <= 500 else shown[:499] + "…")
