"""A proxy between a command and the sandbox: writes down every AWS call, and answers some of them itself.

What a command does to AWS is asserted here, on the wire, rather than inside the process that does it.
"""

from __future__ import annotations

import json
import re
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from collections.abc import Iterator

_LAMBDA = [
    ("GET", r"/functions/[^/]+/aliases/[^/]+$", "GetAlias"),
    ("PUT", r"/functions/[^/]+/aliases/[^/]+$", "UpdateAlias"),
    ("GET", r"/functions/[^/]+/versions", "ListVersionsByFunction"),
    ("POST", r"/functions/[^/]+/versions", "PublishVersion"),
    ("PUT", r"/functions/[^/]+/code", "UpdateFunctionCode"),
    ("GET", r"/functions/[^/]+/policy", "GetPolicy"),
    ("GET", r"/functions/[^/]+/provisioned-concurrency", "GetProvisionedConcurrencyConfig"),
    ("GET", r"/event-source-mappings", "ListEventSourceMappings"),
    ("GET", r"/functions/[^/]+$", "GetFunction"),
]
READS = {
    "GetAlias",
    "ListVersionsByFunction",
    "GetPolicy",
    "GetProvisionedConcurrencyConfig",
    "ListEventSourceMappings",
    "GetFunction",
    "DescribeAlarms",
    "GetCallerIdentity",
}


def operation(method: str, path: str, headers: dict[str, str], body: bytes) -> str:
    """The name of the AWS call that a request is."""
    target = headers.get("x-amz-target", "")
    if target:
        return target.rpartition(".")[2]
    smithy = re.search(r"/operation/([A-Za-z]+)", path)
    if smithy:
        return smithy[1]
    bare = path.partition("?")[0]
    for verb, pattern, name in _LAMBDA:
        if verb == method and re.search(pattern, bare):
            return name
    return parse_qs(body.decode("utf-8", "replace")).get("Action", [f"{method} {bare}"])[0]


@dataclass
class Answer:
    """An answer of the proxy's own, for the next ``times`` calls; ``status`` 0 drops the connection."""

    status: int
    code: str
    message: str = "injected"
    times: int = 10_000
    after: bool = False


def _said(name: str, answer: Answer) -> bytes:
    """An error in the call's own protocol: STS speaks XML."""
    if not answer.code:
        return b"<html>Please sign in"
    if name == "GetCallerIdentity":
        error = f"<Error><Type>Sender</Type><Code>{answer.code}</Code><Message>{answer.message}</Message></Error>"
        return f"<ErrorResponse>{error}<RequestId>req-injected</RequestId></ErrorResponse>".encode()
    return json.dumps({"__type": answer.code, "Type": "User", "message": answer.message}).encode()


@dataclass
class Wire:
    """What went over it, and what is to be answered by the proxy."""

    upstream: str
    endpoint: str = ""
    calls: list[str] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)
    bodies: dict[str, list[bytes]] = field(default_factory=dict)

    @property
    def writes(self) -> list[str]:
        return [call for call in self.calls if call not in READS]


@contextmanager
def wire_to(upstream: str) -> Iterator[Wire]:
    """A running proxy in front of ``upstream``."""
    wire = Wire(upstream)

    class Relay(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def relay(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            name = operation(self.command, self.path, headers, body)
            wire.calls.append(name)
            wire.bodies.setdefault(name, []).append(body)
            answer = wire.answers.get(name)
            if answer is None or answer.times <= 0:
                self._send(*self._forward(headers, body))
                return
            answer.times -= 1
            if answer.after:
                self._forward(headers, body)
            if answer.status == 0:
                self.close_connection = True
                self.connection.close()
                return
            text = _said(name, answer)
            self._send(answer.status, [("x-amzn-errortype", answer.code), ("x-amzn-requestid", "req-injected")], text)

        do_GET = do_PUT = do_POST = do_DELETE = relay  # noqa: N815 -- the base class looks for these

        def _forward(self, headers: dict[str, str], body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
            # The Host header stays: it is part of what was signed.
            request = urllib.request.Request(wire.upstream + self.path, data=body or None, method=self.command)  # noqa: S310
            for key, value in headers.items():
                if key not in ("content-length", "connection"):
                    request.add_header(key, value)
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                    return answer.status, list(answer.headers.items()), answer.read()
            except urllib.error.HTTPError as error:
                return error.code, list(error.headers.items()), error.read()

        def _send(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
            self.send_response(status)
            for key, value in headers:
                if key.lower() not in ("content-length", "connection", "transfer-encoding", "date", "server"):
                    self.send_header(key, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's name
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Relay)
    server.daemon_threads = True
    wire.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield wire
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
