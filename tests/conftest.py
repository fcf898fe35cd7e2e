"""How many examples Hypothesis tries, and how many processes the tests run in.

Some examples at every change, many in CI (``--hypothesis-profile thorough``).
"""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# No deadline: it would say how busy the machine is.
settings.register_profile("thorough", max_examples=50, deadline=None)
settings.register_profile("quick", max_examples=20, deadline=None)
settings.load_profile("quick")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """All processors for the whole suite; one file is done before another process has started."""
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS and config.option.markexpr == "not wire"
    return (os.cpu_count() or 1) if whole and not config.option.keyword else 0
