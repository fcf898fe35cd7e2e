"""docs/notifications.md shows what is sent."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lambdaops.core.messages import cloud_event, event_type, slack
from lambdaops.core.notes import LONGEST_TARGET, LONGEST_TEXT, LONGEST_TITLE, Urgency
from lambdaops.core.notifications import EVERY
from tests.core.test_notes import NOTE
from tests.core.test_notifications import SAMPLE

PAGE = (Path(__file__).parents[2] / "docs" / "notifications.md").read_text("utf-8")
SHOWN: list[dict[str, Any]] = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]


def shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: shape(part) for key, part in value.items()}
    return [shape(value[0])] if isinstance(value, list) else type(value)


def test_the_cloud_events() -> None:
    event, note = [one for one in SHOWN if "specversion" in one]
    assert shape(event) == shape(cloud_event(SAMPLE))
    assert shape(note) == shape(cloud_event(NOTE))
    assert note["data"] == cloud_event(NOTE)["data"]


def test_the_limits_and_emoji_of_a_note() -> None:
    for most in (LONGEST_TEXT, LONGEST_TITLE, LONGEST_TARGET):
        assert f"up to {most}" in " ".join(PAGE.split())
    for level in Urgency:
        assert str(slack(replace(NOTE, level=level))).split("'text': '")[2].split(" ")[0] in PAGE


def test_slack_s_form() -> None:
    (body,) = [one for one in SHOWN if "blocks" in one]
    assert shape(body) == shape(slack(SAMPLE))
    assert shape(body["blocks"][-1]) == shape(slack(SAMPLE)["blocks"][-1])  # type: ignore[index]


def test_the_rule_fits_what_is_sent() -> None:
    (rule,) = [one for one in SHOWN if "detail-type" in one]
    assert rule["source"] == [cloud_event(SAMPLE)["source"]]
    assert {*rule["detail-type"]} < {event_type(SAMPLE).replace("promoted", moment.value) for moment in EVERY}
    data: Any = cloud_event(SAMPLE)["data"]
    assert rule["detail"]["data"].keys() <= data.keys()


@pytest.mark.parametrize("moment", EVERY)
def test_every_moment_is_explained(moment: Any) -> None:
    assert f"| `{moment.value}` |" in PAGE
