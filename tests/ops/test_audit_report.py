"""Which journals a report of one function takes, however the function is named."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.errors import NotFoundError
from lambdaops.core.events import Published
from lambdaops.ops.audit.report import report
from lambdaops.store.files import FileJournals
from tests.core.machine_values import NOON
from tests.core.test_replay import ACTOR, ARN, Story

if TYPE_CHECKING:
    from pathlib import Path

FUNCTION = ARN.rpartition(":")[0]
DAY = timedelta(days=1)


@pytest.fixture
def journals(tmp_path: Path) -> FileJournals:
    """``orders:live`` went from 1 to 2, and 2 was published a day before."""
    found = FileJournals(tmp_path)
    found.open(FUNCTION).append(NOON - DAY, "p-1", ACTOR, Published("2", "sha", new=True))
    for entry in Story().promotes("r-1", "1", "2").entries:
        found.open(ARN).append(entry.at, entry.release, entry.actor, entry.event)
    return found


@pytest.mark.parametrize("name", ["", "orders", "orders:live", FUNCTION, ARN])
def test_publications_count_however_the_function_is_named(journals: FileJournals, name: str) -> None:
    found = report(journals, name, NOON, NOON + DAY)
    assert len(found.changes) == 1
    assert found.lead is not None
    assert found.lead > DAY


@pytest.mark.parametrize("name", ["invoices", "order", "orders:beta", "live", f"{FUNCTION}:beta"])
def test_a_name_of_others_is_no_report(journals: FileJournals, name: str) -> None:
    with pytest.raises(NotFoundError, match="there is no journal of"):
        report(journals, name, NOON, NOON + DAY)
