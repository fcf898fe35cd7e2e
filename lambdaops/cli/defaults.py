"""Defaults as they stand in the help; a test holds them to the core's own, which help must not import."""

from __future__ import annotations

STRATEGY = "canary"
BAKE = "5m"
LOOK_EVERY = "10s"
PATIENCE = "10m"
ON_INCONCLUSIVE = "rollback"
COMPARE = "errors"
TOLERANCE = "1.5"
ALPHA = "0.01"
MIN_REQUESTS = "20"
PERIOD = "1m"
