"""What is told of a whole account, against golden files."""

from __future__ import annotations

import pytest

from lambdaops.core.model import Routing
from lambdaops.core.reports import AliasStanding, Standing
from lambdaops.core.survey import FoundAlarm, FoundTarget, Skipped, Survey
from lambdaops.render.console import Paper
from lambdaops.render.inventory import standing_text, survey_text
from tests.render import golden

ARN = "arn:aws:lambda:eu-central-1:111122223333:function"


def row(target: str, standing: Standing, detail: str, step: str, release: str | None = None) -> AliasStanding:
    return AliasStanding(target, f"{ARN}:{target}", Routing("41", "42", 1_000), standing, release, detail, step)


DRIVEN = row("a:live", Standing.DRIVEN, "driven by pid 4711 on ci-7", "lambdaops status a:live --watch", "r-1")
ROWS = (
    DRIVEN,
    row("b:live", Standing.HELD, "held (drift): changed by hand", "lambdaops rollback b:live", "r-2"),
    row("c:live", Standing.ABANDONED, "baking stage 1, and no process drives it", "lambdaops rollback c:live", "r-3"),
    row("d:live", Standing.UNACCOUNTED, "no release of this machine accounts for it", "lambdaops status d:live"),
    row("e:live", Standing.UNREADABLE, "line 3 was \x1b[31mchanged", "lambdaops audit verify e:live"),
)
FOUND = Survey(
    "account 111122223333 in eu-central-1",
    "111122223333",
    "eu-central-1",
    (
        FoundTarget(
            "orders", "live", (FoundAlarm("a"), FoundAlarm("b", "only if C"), FoundAlarm("c", "no", usable=False))
        ),
        FoundTarget("carts", "prod", strategy="AllAtOnce", notes=("carts: split now\n\x1b[2J",)),
    ),
    (Skipped("old", "has no alias"),),
    ("template.yaml:3:1: not expanded",),
)
TEXTS = {
    "found": survey_text(FOUND, "lambdaops.yaml", written=True),
    "found_dry": survey_text(FOUND, "lambdaops.yaml", written=False),
    "found_none": survey_text(Survey("template.yaml"), "lambdaops.yaml", written=True),
    "standing": standing_text(ROWS),
    "standing_driven": standing_text((DRIVEN,)),
    "standing_none": standing_text(()),
    "standing_narrow": standing_text(ROWS, Paper(width=72)),
}


@pytest.mark.parametrize("name", TEXTS)
def test_texts(name: str) -> None:
    golden.check(f"inventory_{name}", TEXTS[name] + "\n")


@pytest.mark.parametrize("name", TEXTS)
def test_no_trailing_blanks_and_no_control_characters(name: str) -> None:
    for line in TEXTS[name].split("\n"):
        assert line == line.rstrip()
        assert not set(line) & {"\x1b", "\r", "\t"}
