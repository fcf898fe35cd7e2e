"""What other processes do in the tests: ``python -m tests.store.worker VERB HOME [ARGUMENT ...]``."""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from lambdaops.core.errors import LambdaOpsError
from lambdaops.store.disk import Disk
from lambdaops.store.files import FileJournals
from tests.store.records import ACTOR, ARN, intent


class DyingDisk(Disk):
    """Kills the process in the middle of a write: after so many bytes of it."""

    def __init__(self, after: int) -> None:
        self.after = after

    def write(self, fd: int, data: bytes) -> int:
        os.write(fd, data[: self.after])
        os.kill(os.getpid(), signal.SIGKILL)
        return 0


def append(journals: FileJournals, count: int, name: str) -> None:
    """Append, and say each number once it is on the disk; 0 means for ever."""
    done = 0
    while count == 0 or done < count:
        done += 1
        entry = journals.open(ARN).append(datetime.now(UTC), name, ACTOR, intent(done, reason="x" * 2000))
        sys.stdout.write(f"{entry.seq}\n")
        sys.stdout.flush()


def main(verb: str, home: str, *arguments: str) -> None:
    journals = FileJournals(Path(home))
    match verb:
        case "append":
            append(journals, int(arguments[0]), arguments[1])
        case "die":
            append(FileJournals(Path(home), disk=DyingDisk(int(arguments[0]))), 1, "dying")
        case "limited":
            # Python ignores SIGXFSZ: a write over the limit is cut short, the one after it fails with EFBIG.
            resource.setrlimit(resource.RLIMIT_FSIZE, (int(arguments[0]), int(arguments[0])))
            try:
                append(journals, 0, "limited")
            except LambdaOpsError as error:
                sys.stdout.write(f"{error.code}: {error.message}\n{error.hint}\n")
        case "drive":
            with journals.drive(ARN, "r-7"):
                sys.stdout.write("driving\n")
                sys.stdout.flush()
                time.sleep(60)
        case _:
            sys.exit(f"no verb {verb}")


if __name__ == "__main__":
    main(*sys.argv[1:])
