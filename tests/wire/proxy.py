"""A proxy between a command and the sandbox: writes down every AWS call, and answers or spoils some of them itself.

What a command does to AWS is asserted here, on the wire, rather than inside the process that does it. An injected error
is said as the service says it: Lambda and CloudWatch in JSON, each its own way, STS in XML.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

_LAMBDA = [
    ("GET", r"/functions/[^/]+/aliases/[^/]+$", "GetAlias"),
    ("PUT", r"/functions/[^/]+/aliases/[^/]+$", "UpdateAlias"),
    ("GET", r"/functions/[^/]+/aliases/?$", "ListAliases"),
    ("GET", r"/functions/?$", "ListFunctions"),
    ("GET", r"/functions/[^/]+/versions", "ListVersionsByFunction"),
    ("POST", r"/functions/[^/]+/versions", "PublishVersion"),
    ("PUT", r"/functions/[^/]+/code", "UpdateFunctionCode"),
    ("GET", r"/functions/[^/]+/policy", "GetPolicy"),
    ("GET", r"/functions/[^/]+/provisioned-concurrency", "GetProvisionedConcurrencyConfig"),
    ("GET", r"/functions/[^/]+/event-invoke-config/list", "ListFunctionEventInvokeConfigs"),
    ("GET", r"/functions/[^/]+/durable-executions", "ListDurableExecutionsByFunction"),
    ("GET", r"/event-source-mappings", "ListEventSourceMappings"),
    ("PUT", r"/event-source-mappings/[^/]+$", "UpdateEventSourceMapping"),
    ("PUT", r"/functions/[^/]+/concurrency$", "PutFunctionConcurrency"),
    ("DELETE", r"/functions/[^/]+/concurrency$", "DeleteFunctionConcurrency"),
    ("GET", r"/functions/[^/]+$", "GetFunction"),
    ("DELETE", r"/functions/[^/]+$", "DeleteFunction"),
    ("POST", r"/functions/[^/]+/invocations", "Invoke"),
]
READS = {
    "GetAlias",
    "ListAliases",
    "ListFunctions",
    "ListVersionsByFunction",
    "GetPolicy",
    "GetProvisionedConcurrencyConfig",
    "ListProvisionedConcurrencyConfigs",
    "ListEventSourceMappings",
    "ListDurableExecutionsByFunction",
    "GetFunction",
    "GetMetricData",
    "DescribeAlarms",
    "GetCallerIdentity",
}
ANY = "*"
"""The name of every operation."""
FOR_EVER = 10_000
PAGE = b"<html>Please sign in"
_REQUEST_ID = ("x-amzn-requestid", "req-injected")


def operation(method: str, path: str, headers: dict[str, str], body: bytes) -> str:
    """The name of the AWS call that a request is."""
    target = headers.get("x-amz-target", "")
    if target:
        return target.rpartition(".")[2]
    smithy = re.search(r"/operation/([A-Za-z]+)", path)
    if smithy:
        return smithy[1]
    bare, _, query = path.partition("?")
    if _service(headers) == "s3":
        return (
            "ListObjectsV2" if "list-type=2" in query else {"GET": "GetObject", "PUT": "PutObject"}.get(method, method)
        )
    if bare.endswith("/provisioned-concurrency") and "List=ALL" in query:
        return "ListProvisionedConcurrencyConfigs"
    for verb, pattern, name in _LAMBDA:
        if verb == method and re.search(pattern, bare):
            return name
    return parse_qs(body.decode("utf-8", "replace")).get("Action", [f"{method} {bare}"])[0]


@dataclass
class Answer:
    """What becomes of an operation's calls: of ``times`` of them, after ``spare`` have passed untouched.

    ``status`` 0 drops the connection and ``PASSED`` gives AWS's own answer. An error has a ``code``; without one, the
    answer is a stranger's page. ``after`` lets the call take effect first. ``delay`` is in seconds, before the answer.
    ``cut`` ends the connection in the middle of the answer, and ``skew`` is how far AWS's clock is ahead of ours.
    """

    status: int
    code: str
    message: str = "injected"
    times: int = FOR_EVER
    after: bool = False
    spare: int = 0
    delay: float = 0.0
    cut: bool = False
    skew: timedelta = timedelta()

    def takes(self) -> bool:
        """Whether the call that has just come is one of those; counts it."""
        if self.spare > 0:
            self.spare -= 1
            return False
        self.times -= 1
        return self.times >= 0


PASSED = -1


@dataclass
class Entries:
    """What becomes of a batch's entries: ``which`` says by place which are refused; AWS sees only the others."""

    which: Callable[[int], bool]
    code: str = "InternalError"
    sender: bool = False
    times: int = FOR_EVER

    def split(self, body: bytes) -> tuple[bytes | None, list[dict[str, object]]]:
        """What goes to AWS, None for nothing, and what is answered for the rest."""
        said = json.loads(body)
        self.times -= 1
        if self.times < 0:
            return body, []
        out = [entry for place, entry in enumerate(said["Entries"]) if self.which(place)]
        kept = [entry for entry in said["Entries"] if entry not in out]
        failed: list[dict[str, object]] = [
            {"Id": entry["Id"], "Code": self.code, "SenderFault": self.sender, "Message": "injected"} for entry in out
        ]
        return (json.dumps({**said, "Entries": kept}).encode() if kept else None), failed


_Reply = tuple[int, list[tuple[str, str]], bytes]


# What Lambda's codes are called by services that began with the query protocol, and the status they come with.
_ELSEWHERE = {
    "TooManyRequestsException": ("Throttling", 400),
    "ServiceException": ("InternalFailure", 500),
    "ExpiredTokenException": ("ExpiredToken", 403),
    "UnrecognizedClientException": ("InvalidClientTokenId", 403),
    "InvalidSignatureException": ("SignatureDoesNotMatch", 403),
    "AccessDeniedException": ("AccessDenied", 403),
}


def spoken(service: str, answer: Answer) -> _Reply:
    """An error as this service says it."""
    if not answer.code:
        return answer.status, [("content-type", "text/html; charset=utf-8")], PAGE
    if service != "lambda" and answer.code in _ELSEWHERE:
        code, status = _ELSEWHERE[answer.code]
        answer = replace(answer, code=code, status=status)
    kind = "Receiver" if answer.status >= http.client.INTERNAL_SERVER_ERROR else "Sender"
    if service == "sts":
        error = f"<Error><Type>{kind}</Type><Code>{answer.code}</Code><Message>{answer.message}</Message></Error>"
        text = f"<ErrorResponse>{error}<RequestId>req-injected</RequestId></ErrorResponse>"
        return answer.status, [("content-type", "text/xml"), _REQUEST_ID], text.encode()
    if service == "monitoring":
        # awsQueryCompatible: the header keeps the code that the service had before it spoke JSON.
        coded = ("x-amzn-query-error", f"{answer.code};{kind}")
        told = {"__type": f"com.amazonaws.cloudwatch#{answer.code}", "message": answer.message}
    else:
        coded = ("x-amzn-errortype", answer.code)
        told = {"Type": "User" if kind == "Sender" else "Service", "message": answer.message}
    return answer.status, [("content-type", "application/json"), coded, _REQUEST_ID], json.dumps(told).encode()


@dataclass
class Wire:
    """What went over it, and what is to become of it: ``answers`` by operation, or for ``ANY``.

    ``watch`` is told each operation that AWS itself has answered, before the answer goes back.
    """

    upstream: str
    endpoint: str = ""
    calls: list[str] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)
    bodies: dict[str, list[bytes]] = field(default_factory=dict)
    watch: Callable[[str], None] = lambda _: None
    batches: dict[str, Entries] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def writes(self) -> list[str]:
        return [call for call in self.calls if call not in READS]

    def note(self, name: str, body: bytes) -> Answer | None:
        """Write a call down; gives what becomes of it, if that is not AWS's to say."""
        with self._lock:
            self.calls.append(name)
            self.bodies.setdefault(name, []).append(body)
            due = [answer for key in (name, ANY) if (answer := self.answers.get(key)) and answer.takes()]
            return due[0] if due else None


@contextmanager
def wire_to(upstream: str) -> Iterator[Wire]:
    """A running proxy in front of ``upstream``."""
    wire = Wire(upstream)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _relay(wire))
    server.daemon_threads = True
    server.block_on_close = False
    wire.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield wire
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _relay(wire: Wire) -> type[BaseHTTPRequestHandler]:
    upstream = urlsplit(wire.upstream)

    class Relay(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65_536  # head and body in one packet: two would wait for each other's acknowledgement, 40 ms

        def relay(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            name = operation(self.command, self.path, headers, body)
            answer = wire.note(name, body)
            if answer is None:
                self._send(self._batch(name, headers, body))
                return
            reply = None
            if answer.after or answer.status == PASSED:
                reply = self._forward(name, headers, body)
            if answer.status != PASSED:
                reply = spoken(_service(headers), answer) if answer.status else None
            time.sleep(answer.delay)
            if reply is None:
                self._hang_up()
            else:
                self._send(reply, cut=answer.cut, skew=answer.skew)

        do_GET = do_PUT = do_POST = do_DELETE = relay  # noqa: N815 -- the base class looks for these

        def _batch(self, name: str, headers: dict[str, str], body: bytes) -> _Reply:
            if name not in wire.batches:
                return self._forward(name, headers, body)
            kept, failed = wire.batches[name].split(body)
            if not failed:
                return self._forward(name, headers, body)
            status, told, answer = 200, [("content-type", "application/x-amz-json-1.0"), _REQUEST_ID], b"{}"
            if kept is not None:
                headers["content-length"] = str(len(kept))
                status, told, answer = self._forward(name, headers, kept)
            return status, told, json.dumps({"Successful": [], **json.loads(answer), "Failed": failed}).encode()

        def _forward(self, name: str, headers: dict[str, str], body: bytes) -> _Reply:
            connection = http.client.HTTPConnection(upstream.hostname or "", upstream.port, timeout=30)
            with contextlib.closing(connection):
                # The Host header stays: it is part of what was signed.
                kept = {key: value for key, value in headers.items() if key != "connection"}
                connection.request(self.command, self.path, body or None, kept)
                answer = connection.getresponse()
                reply = answer.status, answer.getheaders(), answer.read()
            wire.watch(name)
            return reply

        def _hang_up(self) -> None:
            """Reset rather than close: the client learns of it at once, in whatever it is doing."""
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.rfile.close()  # each of the two files keeps the socket open
            self.wfile.close()
            self.connection.close()

        def _send(self, reply: _Reply, *, cut: bool = False, skew: timedelta = timedelta()) -> None:
            status, headers, body = reply
            self.send_response_only(status)
            self.send_header("Date", format_datetime(datetime.now(UTC) + skew, usegmt=True))
            for key, value in headers:
                if key.lower() not in ("content-length", "connection", "transfer-encoding", "date", "server"):
                    self.send_header(key, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if cut else body)
            self.close_connection = self.close_connection or cut

        def handle_one_request(self) -> None:
            # A client that gave up, or our own hanging up: what the tests are about.
            with contextlib.suppress(ConnectionError, ValueError):
                super().handle_one_request()

        def finish(self) -> None:
            with contextlib.suppress(ConnectionError, ValueError):
                super().finish()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's name
            """Quiet."""

    return Relay


def _service(headers: dict[str, str]) -> str:
    """The service that a request was signed for: Credential=KEY/DATE/REGION/SERVICE/aws4_request."""
    signed = re.search(r"Credential=[^/]*/\d+/[^/]+/([a-z0-9]+)/", headers.get("authorization", ""))
    return signed[1] if signed else ""
