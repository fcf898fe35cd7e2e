"""An incoming webhook of Slack, or of what takes the same (Mattermost, Rocket.Chat, Discord's /slack).

Rules this file guarantees: the URL is a secret: it is read from its variable only, and no error or exception holds it;
it goes to the host that it names and to no other (no redirects), by https unless that is this machine; one message
takes at most two tries.
"""

from __future__ import annotations

import json
import re
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3 import exceptions

from lambdaops.core.errors import NotToldError
from lambdaops.core.messages import slack
from lambdaops.core.notifications import SlackChannel

if TYPE_CHECKING:
    from lambdaops.core.messages import Said

TIMEOUT = urllib3.Timeout(connect=2, read=3)
"""Seconds for a connection, and of silence after that."""
_PAUSE = 0.5
_LONGEST_PAUSE = 2
_MOST = 200
"""Bytes of an answer that are looked at."""
_HERE = {"127.0.0.1", "localhost", "::1"}
_NO_SUCCESS, _REFUSED, _TOO_MANY, _FAULT = 300, 400, 429, 500
# Slack answers with a word of its own, such as no_service or channel_is_archived; anything else may be anybody's.
_SLACK_SAYS = re.compile(r"[a-z]+(_[a-z]+)+")
_HINT = "Send one by hand with: lambdaops notify test."
_GONE_HINT = "The webhook was removed or its URL is incomplete: make a new one, and put its URL into {name}."


@dataclass(frozen=True)
class Webhook:
    """Implements ports.Notifier; ``variables`` is where the URL is looked up, anew for each message."""

    channel: SlackChannel
    variables: Mapping[str, str]
    pause: Callable[[float], None] = time.sleep
    timeout: urllib3.Timeout = TIMEOUT

    def check(self) -> None:
        """See whether there is a URL that may be used; sends nothing.

        Raises:
            NotToldError: there is none.
        """
        self._url()

    def tell(self, message: Said) -> None:
        """Post the message; raises as ports.Notifier says."""
        url = self._url()
        body = json.dumps(slack(message)).encode()
        answer = _post(url, body, self.timeout)
        if answer.again is not None:
            self.pause(answer.again)
            answer = _post(url, body, self.timeout)
        if answer.trouble:
            gone = answer.status in (403, 404, 410)
            hint = _GONE_HINT.format(name=self.channel.url_from_env) if gone else _HINT
            raise NotToldError(f"{self.channel}: {answer.trouble}", hint=hint)

    def _url(self) -> str:
        name = self.channel.url_from_env
        url = self.variables.get(name, "").strip()
        if not url:
            raise NotToldError(
                f"{self.channel}: the variable {name} is not set", hint=f"Set {name} to the webhook's URL."
            )
        problem = _problem(url)
        if problem:
            raise NotToldError(f"{self.channel}: {name} {problem}", hint=f"Set {name} to the webhook's URL.")
        return url


@dataclass(frozen=True)
class _Answer:
    """What came of one try: nothing wrong, or what; ``again`` is after how many seconds another may help."""

    trouble: str = ""
    again: float | None = None
    status: int = 0


def _problem(url: str) -> str:
    """What is wrong with a URL, in words that do not hold it."""
    if not url.isascii() or not url.isprintable() or " " in url:
        return "holds characters that no URL has"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is no URL"
    if not host:
        return "is no URL"
    if parts.scheme != "https" and not (parts.scheme == "http" and host in _HERE):
        return "is no https URL: the message and the secret in the URL would be readable on their way"
    return ""


def _post(url: str, body: bytes, timeout: urllib3.Timeout) -> _Answer:
    """One try. What urllib3 raises names host and path: only its kind is used, and it ends here."""
    try:
        response = _pool(url).request(
            "POST",
            url,
            body=body,
            headers={"Content-Type": "application/json; charset=utf-8", "User-Agent": "lambdaops"},
            timeout=timeout,
            retries=False,
            redirect=False,
            preload_content=False,
        )
        try:
            said = response.read(_MOST, decode_content=False)
        finally:
            response.close()
    except exceptions.HTTPError as error:
        return _unanswered(error)
    return _answered(response.status, response.headers.get("Retry-After", ""), said, url)


def _pool(url: str) -> urllib3.PoolManager:
    """Through the proxy of the environment, as botocore does; never for this machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    proxy = "" if host in _HERE or proxy_bypass(host) else getproxies().get(parts.scheme, "")
    if not proxy:
        return urllib3.PoolManager()
    signed_in = urlsplit(proxy)
    user = f"{signed_in.username}:{signed_in.password or ''}" if signed_in.username else None
    return urllib3.ProxyManager(proxy, proxy_headers=urllib3.make_headers(proxy_basic_auth=user))


def _unanswered(error: exceptions.HTTPError) -> _Answer:
    match error:
        case exceptions.ProxyError():
            return _Answer("the proxy did not pass it on", _PAUSE)
        case exceptions.SSLError():
            return _Answer(f"no secure connection: {_tls(error)}")
        case exceptions.NameResolutionError():
            return _Answer("its host is not known", _PAUSE)
        # Only where nothing was sent yet is a second try no second message.
        case exceptions.ConnectTimeoutError() | exceptions.NewConnectionError():
            return _Answer("it takes no connection", _PAUSE)
        case exceptions.ReadTimeoutError():
            return _Answer("it took the message, or not: it did not answer in time")
        case _:
            return _Answer("it broke the connection off")


def _tls(error: exceptions.SSLError) -> str:
    """Why, in OpenSSL's words up to where it names the host."""
    cause = error.args[0] if error.args else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return cause.verify_message.partition(",")[0].strip() or "its certificate is not trusted"
    return "it speaks no TLS that we know"


def _answered(status: int, retry_after: str, said: bytes, url: str) -> _Answer:
    if status == _TOO_MANY or status >= _FAULT:
        return _Answer(f"it answered {status}{_word(said, url)}", _wait(retry_after), status)
    if _NO_SUCCESS <= status < _REFUSED:
        return _Answer(f"it answered {status}: a redirect, which is not followed", None, status)
    if status >= _NO_SUCCESS:
        return _Answer(f"it answered {status}{_word(said, url)}", None, status)
    if said.lstrip()[:1] == b"<":
        return _Answer("a web page answered, not a webhook: a proxy or a sign-in page is in between", None, status)
    return _Answer()


def _wait(retry_after: str) -> float | None:
    """How long to wait for a second try; None when it was asked for more than a release's end may wait."""
    if not retry_after:
        return _PAUSE
    seconds = int(retry_after) if retry_after.isascii() and retry_after.isdigit() else _LONGEST_PAUSE + 1
    return float(seconds) if seconds <= _LONGEST_PAUSE else None


def _word(said: bytes, url: str) -> str:
    word = said.decode("ascii", "replace").strip()
    return f": {word}" if _SLACK_SAYS.fullmatch(word) and word not in url else ""
