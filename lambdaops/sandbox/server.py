"""The local AWS server: start it on loopback, find it again, stop it with everything it started."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import time
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from lambdaops.core.errors import SandboxUnavailableError
from lambdaops.sandbox import process

if TYPE_CHECKING:
    from pathlib import Path

MODULE = "lambdaops.sandbox.launcher"
REGION = "eu-central-1"
# ministack takes a twelve-digit access key for the account: nobody can mistake it for a real key.
ACCOUNT = "000000000000"
_READY_SECONDS = 30.0
_LOG_LINES = 15


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    pid: int
    port: int

    @property
    def endpoint(self) -> str:
        """Its address; it listens on loopback only."""
        return f"http://127.0.0.1:{self.port}"


def environment(server: Server) -> dict[str, str]:
    """The variables that point any AWS tool at this server."""
    return {
        "AWS_ENDPOINT_URL": server.endpoint,
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        # A proxy for the world outside must not be asked for loopback.
        "NO_PROXY": "127.0.0.1,localhost",
    }


def start(directory: Path, *, port: int | None = None) -> Server:
    """Start a server and wait until it answers.

    Raises:
        SandboxUnavailableError: it is not installed, its port is taken, or it died; with the end of its log.
    """
    if importlib.util.find_spec("ministack") is None:
        raise SandboxUnavailableError(
            "the sandbox is not installed", hint="Install it: pip install 'lambdaops[sandbox]'."
        )
    wanted = port or _free_port()
    if port and _answers(port):
        raise SandboxUnavailableError(f"port {port} is taken", hint="Choose another --port, or none.")
    log = directory / "server.log"
    scratch = directory / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    variables = {
        # Not the caller's AWS settings: the functions in the sandbox must never reach a real account.
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        # ministack unpacks every version it runs; with our directory, that goes too.
        "TMPDIR": str(scratch),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(wanted),
        "MINISTACK_REGION": REGION,
        "LOG_LEVEL": "WARNING",
    }
    server = Server(process.launch(MODULE, (), variables, log), wanted)
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        if not alive(server):
            break
        if _healthy(server):
            return server
        time.sleep(0.1)
    stop(server)
    tail = "\n".join(log.read_text("utf-8", "replace").splitlines()[-_LOG_LINES:])
    raise SandboxUnavailableError(f"the sandbox did not start; the end of {log}:\n{tail}", hint="Try again.")


def stop(server: Server) -> None:
    """End the server and its workers; safe to repeat."""
    process.end(server.pid, MODULE)


def alive(server: Server) -> bool:
    """Whether its process runs."""
    return process.running(server.pid, MODULE)


def save(server: Server, directory: Path) -> None:
    """Write down where it runs, all or nothing."""
    directory.mkdir(parents=True, exist_ok=True)
    draft = directory / "sandbox.json.new"
    draft.write_text(json.dumps(asdict(server)), "utf-8")
    draft.replace(directory / "sandbox.json")


def load(directory: Path) -> Server | None:
    """The server written down here, running or not.

    Raises:
        SandboxUnavailableError: the file is not ours.
    """
    path = directory / "sandbox.json"
    try:
        data = json.loads(path.read_text("utf-8"))
        return Server(int(data["pid"]), int(data["port"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SandboxUnavailableError(f"{path} cannot be read: {error}", hint=f"Delete {path}.") from error


def forget(directory: Path) -> None:
    """Remove what :func:`save` wrote."""
    (directory / "sandbox.json").unlink(missing_ok=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _healthy(server: Server) -> bool:
    try:
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(f"{server.endpoint}/_ministack/health", timeout=2) as answer:
            return bool(answer.status == 200)  # noqa: PLR2004
    except (urllib.error.URLError, OSError):
        return False
