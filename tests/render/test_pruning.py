"""What pruning says: sizes, sums, and each record in one line."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.errors import ExitCode
from lambdaops.core.events import Entry
from lambdaops.core.model import Actor
from lambdaops.core.prune import Kept, StoredVersion
from lambdaops.core.prune_records import (
    PruneClosed,
    PruneOpened,
    VersionDeleted,
    VersionDeleteFailed,
    VersionDeleting,
    VersionSpared,
)
from lambdaops.render.pruning import megabytes, prune_text
from lambdaops.render.say import describe
from lambdaops.render.summary import Ending, Story, fold, page
from tests.core.machine_values import NOON

if TYPE_CHECKING:
    from lambdaops.core.events import Event

ARN = "arn:aws:lambda:eu-central-1:111122223333:function:orders"
OPENED = PruneOpened(("1", "2"), 5, NOON, "storage", "CHG-7")


def entry(event: Event) -> Entry:
    return Entry(1, NOON, ARN, "v-1", Actor("arn:aws:sts::111122223333:assumed-role/oncall/ada", "laptop"), event)


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (OPENED, f"prune 2 versions: 1, 2; keeps 5 and what is since {NOON:%F}: storage"),
        (replace(OPENED, reason="", versions=("1",)), f"prune 1 version: 1; keeps 5 and what is since {NOON:%F}"),
        (VersionDeleting("1", 1_500_000, "sha"), "delete version 1 (1.4 MB)"),
        (VersionDeleted("1", "req-1"), "version 1 is deleted"),
        (VersionDeleted("1", found=True), "version 1 is deleted (found gone)"),
        (VersionSpared("1", "orders:live points at it"), "version 1 stays: orders:live points at it"),
        (
            VersionDeleteFailed("1", "access-denied", "no", "req-1"),
            "version 1 was not deleted: access-denied: no (AWS request id req-1)",
        ),
        (PruneClosed(2, 2048), "pruned 2 versions, 2.0 KB"),
        (PruneClosed(1, 10, "no answer"), "pruned 1 version, 10 bytes; stopped: no answer"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_a_record_in_one_line(event: Event, words: str) -> None:
    assert describe(entry(event)) == words


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1024, "1.0 KB"), (1_500_000, "1.4 MB"), (80 * 1024**3, "80.0 GB")],
)
def test_a_size(size: int, words: str) -> None:
    assert megabytes(size) == words


def test_the_sums() -> None:
    one, stays = [StoredVersion("1", 1024)], [Kept("2", "the newest")]
    done = prune_text("orders", one, stays, deleted=True).splitlines()
    assert done[-1] == "orders: 1 version deleted (1.0 KB of code), 1 stays"
    assert [line.split()[0] for line in done[1:3]] == ["2", "1"], "newest first"
    assert (
        prune_text("orders", [], stays, deleted=True).splitlines()[-1] == "orders: nothing to delete, 1 version stays"
    )


def test_the_page_of_a_ci_system_says_why_and_that_something_changed() -> None:
    story = Story()
    for event in (OPENED, VersionDeleting("1", 10, "sha")):
        story = fold(story, entry(event))
    assert not story.changed
    story = fold(story, entry(VersionDeleted("1", "req-1")))
    assert (story.changed, story.why, story.ticket) == (True, "storage", "CHG-7")
    assert "CHG-7" in page(story, Ending("prune", ExitCode.DONE))
