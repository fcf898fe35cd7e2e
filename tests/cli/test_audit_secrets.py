"""No environment variable's value, payload, token, code or webhook's URL gets into a record, whatever is done.

Real commands run in an environment, on code and on messages that are full of words that occur nowhere else; then every
file of the home directory, and everything the audit log can be written out as, is looked through for them.
"""

from __future__ import annotations

import base64
import json
import signal
import tempfile
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from lambdaops.core.dlq.letter import Attribute
from lambdaops.core.errors import AccessDeniedError
from tests.cli.rig import Cli
from tests.examples import times
from tests.sim.redriving import Post

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Characters that an encoder leaves alone, so that a word stays one; long enough not to occur by chance.
WORDS = st.text("abcdefghjkmnpqrstuvwxyz", min_size=18, max_size=24).map(lambda text: f"Zq{text}")
FILE = """
version: 1
defaults: {alias: live}
notify: [{slack: {url-from-env: HOOK}, on: [started, promoted, rolled-back, held]}]
"""
COMMANDS: dict[str, Sequence[str]] = {
    "publish": ("publish", "orders", "--zip", "code.zip", "--yes", "--reason", "why", "--ticket", "T-1"),
    "release": ("release", "orders:live", "--to", "3", "--alarm", "errors", "--yes", "--reason", "why"),
    "release code": ("release", "orders:live", "--zip", "code.zip", "--alarm", "errors", "--yes"),
    "denied": ("release", "orders:live", "--to", "2", "--alarm", "errors", "--yes"),
    "rollback": ("rollback", "orders:live", "--reason", "why"),
    "rollback to": ("rollback", "orders:live", "--to", "1"),
    "abort": ("abort", "orders:live"),
    "redrive": ("dlq", "redrive", "orders-dlq", "--workers", "1", "--yes"),
    "filtered": ("dlq", "redrive", "orders-dlq", "--filter", "body.n < `3`", "--workers", "1", "--yes"),
}


@contextmanager
def desk(words: Sequence[str]) -> Iterator[Cli]:
    """A machine on which everything that must not be told is one of these words."""
    environment, token, payload, attribute, code, hook = words
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    with tempfile.TemporaryDirectory() as name:
        here = Path(name)
        (here / "lambdaops.yaml").write_text(FILE, "utf-8")
        with zipfile.ZipFile(here / "code.zip", "w") as archive:
            archive.writestr("app.py", f"SECRET = {code!r}\n")
        cli = Cli(here / "home", directory=here)
        cli.world.alarm("errors")
        cli.variables = {
            "DATABASE_PASSWORD": environment,
            "AWS_ACCESS_KEY_ID": environment,
            "AWS_SECRET_ACCESS_KEY": token,
            "AWS_SESSION_TOKEN": token,
            "GITHUB_ACTIONS": "true",
            "GITHUB_REPOSITORY": "acme/orders",
            "GITHUB_RUN_ID": "1",
            "GITHUB_TOKEN": token,
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": token,
            "HOOK": f"https://hooks.slack.com/services/{hook}",
        }
        post: Any = Post(cli.world.clock)
        post.sqs.box("orders-dlq")
        post.sqs.box("orders", dead_letters="orders-dlq", max_receives=3)
        for number in range(6):
            body = json.dumps({"n": number, "card": payload})
            post.sqs.put("orders-dlq", body, source="orders", attributes={"who": Attribute("String", attribute)})
        cli.post = post
        try:
            yield cli
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)


def disguises(word: str) -> Iterator[bytes]:
    """The word as it stands, and as the encodings show it that secrets are carried in."""
    data = word.encode()
    yield data
    yield data.hex().encode()
    yield quote(word).encode()
    for lead in range(3):  # base64 of what it may be part of, without the ends that depend on their neighbours
        yield base64.b64encode(b"x" * lead + data)[4:-4]


@times(0.1)
@given(
    st.lists(WORDS, min_size=6, max_size=6, unique=True),
    st.permutations(sorted(COMMANDS)),
)
def test_nothing_that_must_not_be_told_is_in_a_record(words: list[str], commands: list[str]) -> None:
    with desk(words) as cli:
        here = cli.home.parent
        for name in commands:
            if name == "denied":
                cli.world.fail("set_routing", AccessDeniedError("no", request_id="req-1"))
            cli(*(str(here / "code.zip") if word == "code.zip" else word for word in COMMANDS[name]))
        files = [path for path in cli.home.rglob("*") if path.is_file()]
        written = b"\n".join(path.read_bytes() for path in files)
        written += b"".join(
            cli("audit", "export", "--format", form).out.encode() for form in ("jsonl", "ocsf", "cloudevents")
        )
        assert {path.name for path in files} >= {"live.jsonl", "@function.jsonl", "orders-dlq.jsonl"}
        for word in words:
            for disguise in disguises(word):
                assert disguise not in written, f"{disguise!r} after {commands}"


def test_the_words_are_really_there_to_be_told() -> None:
    """What is looked for was within reach of the commands: or nothing would follow from not finding it."""
    words = [f"Zq{letter * 20}" for letter in "abcdef"]
    with desk(words) as cli:
        post: Any = cli.post
        (first, *_) = post.sqs.boxes["orders-dlq"].messages
        assert words[2] in first.body
        assert words[3] in str(first.attributes["who"].value)
        assert cli(*COMMANDS["redrive"]).code == 0
        assert cli(*COMMANDS["release"]).code == 0
        kinds = {json.loads(line)["kind"] for line in cli("audit", "export").out.splitlines()}
        assert {"redrive-opened", "redrive-step", "redrive-closed", "opened", "intent", "closed"} <= kinds
        assert cli.channels.told
