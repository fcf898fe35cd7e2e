"""``python -m lambdaops.sandbox.launcher``: ministack, corrected where it differs from AWS, then started."""

from __future__ import annotations

import importlib.metadata
import sys

from lambdaops.sandbox.corrections import CORRECTIONS

# The corrections replace functions of this version by name; another one may have moved them.
PINNED = "1.5.33"


def launch() -> None:
    """Correct and run."""
    found = importlib.metadata.version("ministack")
    if found != PINNED:
        sys.exit(f"ministack {found} is installed, the sandbox needs {PINNED}: pip install 'lambdaops[sandbox]'")
    from ministack.app import main

    for correction in CORRECTIONS:
        correction.apply()
    main()


if __name__ == "__main__":
    launch()
