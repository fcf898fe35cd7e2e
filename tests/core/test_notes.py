"""A person's message in every channel's form: nothing in it is a link or a mention, nothing too long, nothing lost."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdaops.core.errors import UsageError
from lambdaops.core.messages import (
    attributes,
    cloud_event,
    data_of,
    event_type,
    headline,
    plain_text,
    resources,
    slack,
    subject,
)
from lambdaops.core.model import Actor
from lambdaops.core.notes import LONGEST_TARGET, LONGEST_TEXT, LONGEST_TITLE, Note, Urgency

NOTE = Note(
    id="redrive-20261102-7",
    at=datetime(2026, 11, 2, 10, 7, 31, 204_000, tzinfo=UTC),
    actor=Actor("arn:aws:sts::111122223333:assumed-role/oncall/ada", "laptop", tool="lambdaops 0.1.0"),
    text="Payments are down, we are on it",
    level=Urgency.URGENT,
    target="payments:live",
    environment="prod",
    region="eu-central-1",
    account="111122223333",
)
LAMBDA = "arn:aws:lambda:eu-central-1:111122223333:function:payments:live"


def of_slack(note: Note) -> list[str]:
    """Every text that Slack shows as markup."""
    body: Any = slack(note)
    found = []
    for block in body["blocks"]:
        for one in block["elements"] if block["type"] == "context" else [block["text"]]:
            assert (one["type"], one["verbatim"]) == ("mrkdwn", True)
            found.append(one["text"])
    return found


def test_a_short_one_is_its_headline() -> None:
    assert headline(NOTE) == "urgent: payments:live: Payments are down, we are on it (prod)"
    assert of_slack(NOTE) == [
        ":rotating_light: *urgent: payments:live: Payments are down, we are on it (prod)*",
        "by arn:aws:sts::111122223333:assumed-role/oncall/ada",
        "on laptop",
    ]
    assert subject(NOTE) == headline(NOTE)


def test_a_title_stands_above_the_text() -> None:
    note = replace(NOTE, title="Outage", text="first line\nsecond line", target="", environment="")
    assert headline(note) == "urgent: Outage"
    assert of_slack(note)[:2] == [":rotating_light: *urgent: Outage*", "first line\nsecond line"]
    assert plain_text(note).splitlines()[:4] == ["urgent: Outage", "", "first line", "second line"]


@pytest.mark.parametrize("level", Urgency)
def test_every_level_has_a_word_and_an_icon_of_its_own(level: Urgency) -> None:
    note = replace(NOTE, level=level)
    assert headline(note).startswith(f"{level.value}: ")
    assert event_type(note) == f"lambdaops.message.{level.value}"
    assert of_slack(note)[0].startswith(":")
    assert len({of_slack(replace(NOTE, level=one))[0].split()[0] for one in Urgency}) == len(Urgency)


def test_a_cloud_event() -> None:
    assert cloud_event(NOTE) == {
        "specversion": "1.0",
        "id": "redrive-20261102-7",
        "source": "lambdaops",
        "type": "lambdaops.message.urgent",
        "subject": "payments:live",
        "time": "2026-11-02T10:07:31.204Z",
        "datacontenttype": "application/json",
        "data": {
            "moment": "message",
            "level": "urgent",
            "title": "",
            "text": "Payments are down, we are on it",
            "target": "payments:live",
            "region": "eu-central-1",
            "account": "111122223333",
            "environment": "prod",
            "actor": {"arn": NOTE.actor.arn, "host": "laptop"},
            "run": "",
            "commit": "",
            "tool": "lambdaops 0.1.0",
        },
    }


def test_without_a_target_there_is_no_subject() -> None:
    note = replace(NOTE, target="")
    assert "subject" not in cloud_event(note), "it must be a non-empty string (CloudEvents 1.0)"
    assert resources(note) == []
    assert "target" not in attributes(note)


def test_a_target_of_nothing_that_can_be_seen_is_none() -> None:
    note = replace(NOTE, target="\x00\u202e")
    assert headline(note) == "urgent: Payments are down, we are on it (prod)"
    assert "subject" not in cloud_event(note)
    assert "target" not in attributes(note)


def test_a_target_by_its_arn_is_a_resource_and_is_named_as_people_do() -> None:
    note = replace(NOTE, target=LAMBDA)
    assert resources(note) == [LAMBDA]
    assert resources(NOTE) == []
    assert resources(replace(NOTE, target=f"{LAMBDA}\n")) == []
    assert headline(note) == headline(NOTE)
    assert attributes(note) == {
        "moment": "message",
        "level": "urgent",
        "target": "payments:live",
        "environment": "prod",
    }


@pytest.mark.parametrize(
    "change",
    [
        {"text": ""},
        {"text": " \n\t "},
        {"text": "\x00\x1b"},
        {"text": "x" * (LONGEST_TEXT + 1)},
        {"title": "x" * (LONGEST_TITLE + 1)},
        {"target": "x" * (LONGEST_TARGET + 1)},
        {"id": ""},
        {"id": "a b"},
        {"id": "a\n"},
        {"id": "é"},
        {"id": "x" * 129},
    ],
    ids=lambda change: str(change)[:30],
)
def test_what_no_channel_would_take_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        replace(NOTE, **change)  # type: ignore[arg-type]


ANYTHING = st.text(max_size=LONGEST_TEXT) | st.sampled_from(
    [
        "<!channel> <@U123> <https://evil.example|here>",
        "&" * LONGEST_TEXT,
        "<" * 499 + "\n" + ">" * 600,
        "a\u2028b\u202ec\x1b[2J",
        "\ud800 half a character",
    ]
)


@given(ANYTHING, st.text(max_size=LONGEST_TITLE), st.text(max_size=LONGEST_TARGET), st.sampled_from(Urgency))
def test_every_form_is_one_that_its_channel_takes(text: str, title: str, target: str, level: Urgency) -> None:
    try:
        note = replace(NOTE, text=text, title=title, target=target, level=level)
    except UsageError:
        return
    body: Any = slack(note)
    json.dumps(body).encode()
    assert 2 <= len(body["blocks"]) <= 50
    for said in (body["text"], *of_slack(note)):
        assert said.strip()
        assert len(said) <= 3000
        assert not {"<", ">"} & set(said)
        assert said.isprintable() or "\n" in said
        assert all(line.isprintable() for line in said.split("\n"))
    assert len(subject(note)) < 100
    assert subject(note).isascii()
    assert subject(note).isprintable()
    plain_text(note).encode()
    event = json.dumps(cloud_event(note))
    assert len(event.encode()) < 64 * 1024
    assert all(0 < len(value) <= 256 for value in attributes(note).values())
    assert set(data_of(note)) == set(data_of(NOTE))


@given(st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"]), min_size=501, max_size=LONGEST_TEXT))
def test_nothing_of_a_long_text_is_lost(text: str) -> None:
    note = replace(NOTE, text=text, title="t")
    parts = of_slack(note)[1:-2]
    unescaped = "".join(parts).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert unescaped == text
    assert data_of(note)["text"] == text
    assert text in plain_text(note)
