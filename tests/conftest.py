"""How many examples Hypothesis tries: some at every change, many in CI (``--hypothesis-profile thorough``)."""

from __future__ import annotations

from hypothesis import settings

# No deadline: it would say how busy the machine is.
settings.register_profile("thorough", max_examples=100, deadline=None)
settings.register_profile("quick", max_examples=20, deadline=None)
settings.load_profile("quick")
