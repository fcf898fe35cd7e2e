"""The server itself: on loopback only, and gone when stopped."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lambdaops.sandbox import events, shop
from lambdaops.sandbox import server as sandbox
from tests.wire.conftest import ROLE, Clients, zipped

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


def test_it_cannot_be_reached_under_another_address_of_the_machine(server: Server) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing; tells which address would be used
        except OSError:
            pytest.skip("the machine has no other address")
        address = probe.getsockname()[0]
    if address.startswith("127."):
        pytest.skip("the machine has no other address")
    with socket.socket() as caller:
        caller.settimeout(2)
        assert caller.connect_ex((address, server.port)) != 0


def test_the_functions_in_it_never_see_the_caller_s_aws_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Code in the sandbox that makes an AWS call must not reach a real account."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "the-caller-s-own")
    running = sandbox.start(tmp_path)
    monkeypatch.undo()  # boto3 here would look for the profile
    try:
        functions = Clients(running)("lambda")
        source = "import os\ndef handler(event, context):\n    return dict(os.environ)\n"
        functions.create_function(
            FunctionName="env", Runtime="python3.11", Role=ROLE, Handler="app.handler", Code={"ZipFile": zipped(source)}
        )
        functions.get_waiter("function_active_v2").wait(FunctionName="env", WaiterConfig={"Delay": 1})
        seen = json.loads(functions.invoke(FunctionName="env")["Payload"].read())
    finally:
        sandbox.stop(running)
    assert "the-caller-s-own" not in seen.values()


def test_nothing_is_left_running(tmp_path: Path) -> None:
    running = sandbox.start(tmp_path)
    port = f"GATEWAY_PORT={running.port}"
    variables = sandbox.environment(running)
    opened = shop.open_shop(running.endpoint, variables, tmp_path)
    assert opened == shop.open_shop(running.endpoint, variables, tmp_path)
    clients = Clients(running)
    for name in opened.functions:
        event = json.dumps(events.SAMPLE[name]).encode()
        answer = clients("lambda").invoke(FunctionName=name, Qualifier=opened.alias, Payload=event)
        assert "FunctionError" not in answer
    workers = [process for process in mentioning(port) if process != str(running.pid)]
    assert len(workers) >= len(opened.functions), "each function that ran has a process"
    sandbox.stop(running)
    deadline = time.monotonic() + 5
    while mentioning(port):
        assert time.monotonic() < deadline, mentioning(port)
        time.sleep(0.1)
    assert not sandbox.alive(running)
    assert listening(running.port) == set()
    sandbox.stop(running)
