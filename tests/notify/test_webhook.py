"""Webhooks that answer, that are slow, broken or strangers: a real server on this machine, and no URL in any word."""

from __future__ import annotations

import socket
import threading
import traceback

import pytest
import urllib3

from lambdaops.core.errors import NotToldError
from lambdaops.core.messages import slack
from lambdaops.core.notifications import SlackChannel
from lambdaops.notify.webhook import TIMEOUT, Webhook
from tests.core.test_notifications import SAMPLE
from tests.notify.server import Answer, serving

SECRET = "sEcReT"


HASTY = urllib3.Timeout(connect=0.3, read=0.3)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of the machine's."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


class Told:
    """A webhook, and how long it waited between its tries."""

    def __init__(self, url: str | None) -> None:
        self.pauses: list[float] = []
        variables = {} if url is None else {"HOOK": url}
        self.webhook = Webhook(SlackChannel("HOOK"), variables, self.pauses.append, HASTY)

    def trouble(self) -> str:
        """Why it was not told; nothing of the URL is in it, nor in what the interpreter would print."""
        with pytest.raises(NotToldError) as raised:
            self.webhook.tell(SAMPLE)
        error = raised.value
        printed = "".join(traceback.format_exception(error)) + error.hint
        for secret in (SECRET, "T000", "/services", "http://", "https://"):
            assert secret not in printed
        assert error.__context__ is None
        assert error.hint
        return error.message


def test_the_message_is_posted() -> None:
    with serving() as server:
        told = Told(f"{server.url}\n")  # as secrets are often stored
        told.webhook.check()
        told.webhook.tell(SAMPLE)
    assert server.posts == [("/services/T000/B000/sEcReT", slack(SAMPLE))]
    assert told.pauses == []


@pytest.mark.parametrize("status", [200, 202, 204])
def test_any_success_will_do(status: int) -> None:
    with serving(Answer(status, b"")) as server:
        Told(server.url).webhook.tell(SAMPLE)
    assert len(server.posts) == 1


@pytest.mark.parametrize("first", [Answer(500), Answer(503), Answer(429)])
def test_a_second_try_after_what_may_pass(first: Answer) -> None:
    with serving(first, Answer()) as server:
        told = Told(server.url)
        told.webhook.tell(SAMPLE)
    assert len(server.posts) == 2
    assert told.pauses == [0.5]


@pytest.mark.parametrize(
    ("retry_after", "pauses"),
    [
        ("1", [1.0]),
        ("2", [2.0]),
        ("0", [0.0]),
        ("3", []),
        ("3600", []),
        ("Wed, 21 Oct 2026 07:28:00 GMT", []),
        ("-1", []),
    ],
)
def test_it_waits_as_long_as_it_is_told_but_not_longer_than_two_seconds(retry_after: str, pauses: list[float]) -> None:
    limited = Answer(429, headers=(("Retry-After", retry_after),))
    with serving(limited) as server:
        told = Told(server.url)
        assert told.trouble() == "slack (HOOK): it answered 429"
    assert told.pauses == pauses
    assert len(server.posts) == 1 + len(pauses)


TROUBLES: list[tuple[Answer, str, int]] = [
    (Answer(500, b"<h1>no</h1>"), "it answered 500", 2),
    (Answer(400, b"invalid_payload"), "it answered 400: invalid_payload", 1),
    (Answer(404, b"no_service"), "it answered 404: no_service", 1),
    (Answer(403, b"/services/T000/B000/sEcReT is gone"), "it answered 403", 1),
    (Answer(410, b"\x1b]0;owned\x07"), "it answered 410", 1),
    (Answer(200, b"  <!doctype html><title>Sign in</title>"), "a web page answered, not a webhook", 1),
    (Answer(302, headers=(("Location", "http://169.254.169.254/"),)), "it answered 302: a redirect", 1),
    (Answer(breaks_off=True), "it broke the connection off", 1),
    (Answer(hangs=True), "it took the message, or not", 1),
]


@pytest.mark.parametrize(("answer", "trouble", "tries"), TROUBLES, ids=lambda value: str(value)[:40])
def test_what_can_come_of_it(answer: Answer, trouble: str, tries: int) -> None:
    with serving(answer) as server:
        assert Told(server.url).trouble().startswith(f"slack (HOOK): {trouble}")
    assert len(server.posts) == tries


def test_a_redirect_is_not_followed_even_to_the_same_host() -> None:
    with serving() as other:
        for status in (301, 302, 303, 307, 308):
            with serving(Answer(status, headers=(("Location", other.url),))) as server:
                assert f"it answered {status}: a redirect, which is not followed" in Told(server.url).trouble()
    assert other.posts == []


def test_a_gone_webhook_says_what_to_do() -> None:
    with serving(Answer(404, b"no_service")) as server, pytest.raises(NotToldError) as raised:
        Told(server.url).webhook.tell(SAMPLE)
    assert "put its URL into HOOK" in raised.value.hint


@pytest.mark.parametrize(
    "answer", [Answer(200, b"ok" * 20_000_000), Answer(200, b"ok" * 500, endless=True)], ids=["huge", "endless"]
)
def test_of_a_huge_answer_the_beginning_is_read(answer: Answer) -> None:
    with serving(answer) as server:
        Told(server.url).webhook.tell(SAMPLE)
    assert len(server.posts) == 1


def test_a_server_that_repeats_our_secret_is_not_repeated() -> None:
    with serving(Answer(403, b"my_token")) as server:
        assert Told(f"{server.url}/my_token").trouble() == "slack (HOOK): it answered 403"


def test_a_dead_port_is_tried_twice() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        told = Told(f"http://127.0.0.1:{taken.getsockname()[1]}/services/T000/B000/{SECRET}")
        assert told.trouble() == "slack (HOOK): it takes no connection"
    assert told.pauses == [0.5]


def test_an_unknown_host_is_not_named() -> None:
    told = Told(f"https://{SECRET}.invalid/services/T000")
    assert told.trouble() == "slack (HOOK): its host is not known"


def test_a_server_without_tls() -> None:
    with serving() as server:
        told = Told(server.url.replace("http://", "https://"))
        assert told.trouble() == "slack (HOOK): no secure connection: it speaks no TLS that we know"
    assert server.posts == []


def test_a_server_with_headers_without_end_is_left() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        told = Told(f"http://127.0.0.1:{listening.getsockname()[1]}/services/T000/B000/{SECRET}")
        assert told.trouble().startswith("slack (HOOK): it broke the connection off")
        thread.join(2)


UNUSABLE = [
    (None, "the variable HOOK is not set"),
    ("", "the variable HOOK is not set"),
    (" \n", "the variable HOOK is not set"),
    (f"http://hooks.slack.com/{SECRET}", "HOOK is no https URL"),
    (f"http://127.0.0.1.evil.example/{SECRET}", "HOOK is no https URL"),
    (f"http://localhost@evil.example/{SECRET}", "HOOK is no https URL"),
    (f"file:///{SECRET}", "HOOK is no URL"),
    (f"ftp://host/{SECRET}", "HOOK is no https URL"),
    (f"/services/{SECRET}", "HOOK is no URL"),
    (f"https://host:port/{SECRET}", "HOOK is no URL"),
    (f"https://[::1/{SECRET}", "HOOK is no URL"),
    (f"https://hooks.slack.com/ {SECRET}", "HOOK holds characters that no URL has"),
    (f"https://hooks.slack.com/\r\nHost: x{SECRET}", "HOOK holds characters that no URL has"),
    (f"https://höst/{SECRET}", "HOOK holds characters that no URL has"),
]


@pytest.mark.parametrize(("url", "trouble"), UNUSABLE)
def test_a_url_that_may_not_be_used_is_refused_before_anything_is_sent(url: str | None, trouble: str) -> None:
    told = Told(url)
    with pytest.raises(NotToldError, match=trouble) as raised:
        told.webhook.check()
    assert SECRET not in str(raised.value)
    assert trouble in told.trouble()


@pytest.mark.parametrize("host", [f"{'a' * 64}.example", "..", "%00", "a" * 300, "-"])
def test_a_host_that_cannot_be_is_no_traceback(host: str) -> None:
    assert Told(f"https://{host}/{SECRET}").trouble().startswith("slack (HOOK): ")


def test_a_proxy_is_used_and_may_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as proxy:
        monkeypatch.setenv("https_proxy", f"http://ada:hunter2@127.0.0.1:{proxy.port}")
        told = Told(f"https://hooks.slack.example/services/T000/B000/{SECRET}")
        trouble = told.trouble()
    assert trouble == "slack (HOOK): the proxy did not pass it on"
    assert "hunter2" not in trouble


def test_this_machine_needs_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with serving() as server:
        Told(server.url).webhook.tell(SAMPLE)
    assert len(server.posts) == 1


def test_its_patience() -> None:
    assert (TIMEOUT.connect_timeout, TIMEOUT.read_timeout) == (2, 3)
    assert Webhook(SlackChannel("HOOK"), {}).timeout is TIMEOUT
