"""Entry point; answers ``--version`` before anything is imported."""

from __future__ import annotations

import sys


def run() -> None:
    """Run the command line and exit with its code."""
    if sys.argv[1:] == ["--version"]:
        from lambdaops import __version__  # noqa: PLC0415 -- nothing else may be paid for here

        sys.stdout.write(f"lambdaops {__version__}\n")
        raise SystemExit(0)
    from lambdaops.cli.env import Env  # noqa: PLC0415
    from lambdaops.cli.main import main  # noqa: PLC0415

    raise SystemExit(main(sys.argv[1:], Env.real()))


if __name__ == "__main__":
    run()
