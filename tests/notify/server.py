"""Webhooks that answer as a test says, on 127.0.0.1."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Answer:
    """One answer; ``hangs`` gives none until the test is over, ``endless`` its beginning and then no more."""

    status: int = 200
    body: bytes = b"ok"
    headers: tuple[tuple[str, str], ...] = ()
    hangs: bool = False
    breaks_off: bool = False
    endless: bool = False


@dataclass
class Server:
    """Gives its answers in turn, the last one for ever; ``posts`` is what came."""

    answers: list[Answer]
    port: int = 0
    posts: list[tuple[str, Any]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/services/T000/B000/sEcReT"

    def next(self) -> Answer:
        return self.answers[min(len(self.posts), len(self.answers)) - 1]


@contextmanager
def serving(*answers: Answer) -> Iterator[Server]:
    server = Server(list(answers) or [Answer()])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.posts.append((self.path, json.loads(body)))
            answer = server.next()
            if answer.hangs:
                server.over.wait(20)
            if answer.hangs or answer.breaks_off:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body) * (1000 if answer.endless else 1)))
            self.end_headers()
            try:
                self.wfile.write(answer.body)
            except OSError:
                self.close_connection = True
            if answer.endless:
                server.over.wait(20)

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        listening.daemon_threads = True
        listening.block_on_close = False
        server.port = listening.server_address[1]
        thread = threading.Thread(target=listening.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            listening.shutdown()
            thread.join()
