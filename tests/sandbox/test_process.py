"""Background processes: started, found, ended with their children, and never anybody else's."""

from __future__ import annotations

import importlib.metadata
import os
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.errors import SandboxUnavailableError
from lambdaops.sandbox import launcher, process, server, traffic

if TYPE_CHECKING:
    from pathlib import Path

PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def module(tmp_path: Path) -> str:
    (tmp_path / "lambdaops_probe.py").write_text(PARENT)
    return "lambdaops_probe"


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:  # noqa: PTH123
            return file.read().split()[2] != "Z"
    except FileNotFoundError:
        return False


def test_children_end_with_their_parent(module: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    pid = process.launch(module, (), {**os.environ, "PYTHONPATH": str(tmp_path)}, log)
    deadline = time.monotonic() + 10
    while not log.read_text().strip():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    child = int(log.read_text())
    assert process.running(pid, module)
    process.end(pid, module)
    assert not process.running(pid, module)
    while alive(child):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.end(pid, module)


def test_a_pid_that_is_somebody_else_s_is_left_alone() -> None:
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"])
    try:
        assert not process.running(other.pid, server.MODULE)
        process.end(other.pid, server.MODULE)
        assert other.poll() is None
        server.stop(server.Server(other.pid, 1))
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


@pytest.mark.parametrize("text", ["", "{", '{"pid": "x", "port": 1}', "[]", '{"pid": 1}', "\x00"])
def test_a_half_written_or_foreign_note_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "sandbox.json").write_text(text)
    with pytest.raises(SandboxUnavailableError, match=r"sandbox\.json"):
        server.load(tmp_path)


def test_a_note_is_read_back_and_forgotten(tmp_path: Path) -> None:
    assert server.load(tmp_path) is None
    note = server.Server(123456, 4566)
    server.save(note, tmp_path)
    assert server.load(tmp_path) == note
    server.forget(tmp_path)
    server.forget(tmp_path)
    assert server.load(tmp_path) is None


def test_traffic_that_does_not_run_is_stopped_without_a_word(tmp_path: Path) -> None:
    traffic.stop(tmp_path)
    (tmp_path / "traffic.pid").write_text("not a pid")
    traffic.stop(tmp_path)


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SandboxUnavailableError, match=f"port {port} is taken"):
            server.start(tmp_path, port=port)


def test_the_sandbox_never_points_at_a_real_account() -> None:
    variables = server.environment(server.Server(1, 4566))
    assert variables["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    assert variables["AWS_ACCESS_KEY_ID"] == "0" * 12


def test_another_ministack_is_refused_before_it_is_corrected(tmp_path: Path) -> None:
    """Its functions may have moved: the start fails with both versions and the remedy."""
    metadata = tmp_path / "ministack-9.9.9.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: ministack\nVersion: 9.9.9\n")
    variables = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", server.MODULE], env=variables, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 1
    assert done.stderr.strip() == (
        f"ministack 9.9.9 is installed, the sandbox needs {launcher.PINNED}: pip install 'lambdaops[sandbox]'"
    )


def test_the_pinned_version_is_the_one_that_is_installed_with_us() -> None:
    """The corrections, the extra in pyproject.toml and what the tests run against are one version."""
    assert importlib.metadata.version("ministack") == launcher.PINNED
    assert f"ministack=={launcher.PINNED}" in "".join(importlib.metadata.requires("lambdaops") or [])


STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(60)
"""


def test_who_is_deaf_to_a_polite_request_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_GRACE_SECONDS", 0.3)
    (tmp_path / "lambdaops_probe.py").write_text(STUBBORN)
    log = tmp_path / "log"
    pid = process.launch("lambdaops_probe", (), {**os.environ, "PYTHONPATH": str(tmp_path)}, log)
    deadline = time.monotonic() + 10
    while not log.read_text().strip():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.end(pid, "lambdaops_probe")
    assert not alive(pid)
