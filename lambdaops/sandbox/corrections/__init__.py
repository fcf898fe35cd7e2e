"""Where ministack differs from AWS in a way that would let a broken release tool pass, it is corrected here.

Each module replaces a few module-level functions of ministack, says why, and is held to AWS's recorded behaviour by a
fidelity test of the same name.
"""

from __future__ import annotations

from lambdaops.sandbox.corrections import (
    ages,
    alarms,
    aliases,
    failures,
    invocations,
    logs,
    math,
    metrics,
    moves,
    provisioned,
    publishing,
    queues,
)

# In this order: what comes later builds on what was replaced before.
CORRECTIONS = (
    metrics,
    invocations,
    aliases,
    publishing,
    alarms,
    queues,
    moves,
    failures,
    ages,
    math,
    logs,
    provisioned,
)
