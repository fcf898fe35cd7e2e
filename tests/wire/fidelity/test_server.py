"""The server itself: on loopback only, and gone when stopped."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from lambdaops.sandbox import server as sandbox
from lambdaops.sandbox import shop

if TYPE_CHECKING:
    from lambdaops.sandbox.server import Server


def listening(port: int) -> set[str]:
    """The local addresses that listen on this port, as /proc writes them."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text("utf-8").splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            if state == "0A" and local.endswith(f":{port:04X}"):
                found.add(local.partition(":")[0])
    return found


def mentioning(text: str) -> list[str]:
    """The processes whose environment names this directory: the server's own and its workers."""
    found = []
    for process in Path("/proc").glob("[0-9]*/environ"):
        try:
            if text.encode() in process.read_bytes():
                found.append(process.parent.name)
        except OSError:
            continue
    return found


def test_it_listens_on_loopback_only(server: Server) -> None:
    assert listening(server.port) == {"0100007F"}


def test_nothing_is_left_running(tmp_path: Path) -> None:
    running = sandbox.start(tmp_path)
    port = f"GATEWAY_PORT={running.port}"
    variables = sandbox.environment(running)
    opened = shop.open_shop(running.endpoint, variables, tmp_path)
    assert opened == shop.open_shop(running.endpoint, variables, tmp_path)
    assert mentioning(port)
    sandbox.stop(running)
    deadline = time.monotonic() + 5
    while mentioning(port):
        assert time.monotonic() < deadline, mentioning(port)
        time.sleep(0.1)
    assert not sandbox.alive(running)
    assert listening(running.port) == set()
    sandbox.stop(running)
