"""Which version a request through a weighted alias gets."""

from __future__ import annotations

import pytest

from lambdaops.sandbox.corrections.invocations import choose


@pytest.mark.parametrize(("draw", "version"), [(0.0, "2"), (0.29, "2"), (0.3, "1"), (0.99, "1")])
def test_a_weighted_alias_chooses_by_the_draw(draw: float, version: str) -> None:
    alias = {"FunctionVersion": "1", "RoutingConfig": {"AdditionalVersionWeights": {"2": 0.3}}}
    assert choose(alias, draw) == version


def test_an_alias_without_weights_has_no_choice() -> None:
    assert choose({"FunctionVersion": "7"}, 0.0) == "7"
