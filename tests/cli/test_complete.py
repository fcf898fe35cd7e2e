"""Shell completion as a shell asks for it: in a process of its own, by typer's protocol, and in a real bash."""

from __future__ import annotations

import io
import os
import pty
import select
import shutil
import socket
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lambdaops.cli.complete import rejoined
from lambdaops.cli.env import Env
from lambdaops.cli.main import main
from lambdaops.config.outline import Outline, outline
from lambdaops.core.events import Opened, Published
from lambdaops.core.halt.records import HaltOpened, Remembered
from lambdaops.core.model import Actor
from lambdaops.core.plan import Plan, Stage
from lambdaops.core.playbook.records import Outcome, PlaybookClosed, PlaybookOpened
from lambdaops.store.files import FileJournals
from lambdaops.store.names import journal_places

ARN = "arn:aws:lambda:eu-central-1:111122223333:function"
AT = datetime(2026, 11, 23, 10, tzinfo=UTC)
ACTOR = Actor("arn:aws:iam::111122223333:user/ada", "laptop")
CONFIG = """\
version: 1
defaults: {alias: live, alarms: [account-health, "{function}-*"]}
strategies: {careful: "5%:10m,100%:10m"}
functions:
  orders: {alarms: [orders-errors, "orders-[a-z]*"]}
  carts: {alias: blue, alarms: [carts-errors]}
  "naïve": {}
environments: {prod: {}, staging: {}}
"""
# Without a region no call is made.
NOWHERE = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_CONFIG_FILE": "/nonexistent"}


@dataclass
class Tab:
    """Presses the tab key at the end of a line."""

    directory: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.directory / "home"

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LAMBDAOPS_"))}
        return {**kept, **NOWHERE, "LAMBDAOPS_HOME": str(self.home), **self.variables}

    def run(self, more: dict[str, str], *flags: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *flags, "-m", "lambdaops"],
            env={**self.environment(), **more},
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def __call__(self, line: str) -> list[str]:
        """What bash would offer; words are split where bash splits them."""
        asked = bash_asks(line)
        out, err = io.StringIO(), io.StringIO()
        env = Env({**self.environment(), **asked}, io.StringIO(), out, err, self.directory)
        # Typer reads and writes the process's own.
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            for name, value in asked.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main([], env)
        assert (ended.value.code, err.getvalue()) == (0, "")
        return out.getvalue().split()


def bash_asks(line: str) -> dict[str, str]:
    spaced = line.replace(":", "\n:\n").replace("=", "\n=\n").replace(" ", "\n").replace("\n\n", "\n")
    words = spaced.removesuffix("\n") if line.endswith((":", "=")) else spaced
    return {
        "_LAMBDAOPS_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count("\n")),
    }


@pytest.fixture
def tab(tmp_path: Path) -> Tab:
    return Tab(tmp_path)


@pytest.fixture
def known(tab: Tab) -> Tab:
    """Two configuration files, and a journal of orders:live and of two others."""
    (tab.directory / "lambdaops.yaml").write_text(CONFIG, encoding="utf-8")
    other = "{version: 1, functions: {tills: {alias: blue}}, environments: {live: {}}}"
    (tab.directory / "other.yaml").write_text(other, encoding="utf-8")
    journals = FileJournals(tab.home)
    stages = (Stage(10_000, timedelta(minutes=5)),)
    plan = Plan("41", "42", stages, "canary", ("orders-old",))
    journals.open(f"{ARN}:orders:live").append(AT, "r-1", ACTOR, Opened(plan, "rev", ()))
    journals.open(f"{ARN}:orders:beta").append(AT, "r-2", ACTOR, Opened(plan, "rev", ()))
    journals.open(f"{ARN}:orders").append(AT, "p-1", ACTOR, Published("43", "sha", new=True, description="tax\nline"))
    queue = Remembered(
        "u-1", f"{ARN.replace('lambda', 'sqs').removesuffix('function')}orders-queue", "", "Enabled", True
    )
    journals.open(f"{ARN}:orders").append(AT, "h-1", ACTOR, HaltOpened((queue,)))
    return tab


# -- what is offered ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("lambdaops rele", ["release"]),
        ("lambdaops status ", ["orders:live", "carts:blue", "naïve:live", "orders:beta"]),
        ("lambdaops status car", ["carts:blue"]),
        ("lambdaops status orders:", ["live", "beta"]),
        ("lambdaops status orders:l", ["live"]),
        ("lambdaops status --region eu-central-1 orders:l", ["live"]),
        ("lambdaops history ", ["orders", "orders:beta", "orders:live"]),
        ("lambdaops audit verify orders:b", ["beta"]),
        ("lambdaops publish ", ["orders", "carts", "naïve"]),
        ("lambdaops halt ", ["orders", "carts", "naïve"]),
        ("lambdaops unhalt orders --source ", ["orders-queue"]),
        ("lambdaops unhalt orders --stop-alarm orders-e", ["orders-errors"]),
        ("lambdaops release x:y --strategy c", ["careful", "canary"]),
        ("lambdaops release x:y --strategy=al", ["all-at-once"]),
        ("lambdaops release x:y --strategy CodeDeploy", []),
        ("lambdaops release x:y --strategy Canary10Percent1", ["Canary10Percent10Minutes", "Canary10Percent15Minutes"]),
        ("lambdaops release orders:live --alarm ", ["account-health", "orders-errors", "orders-old"]),
        ("lambdaops release orders:live --alarm a --ignore-alarm orders-e", ["orders-errors"]),
        ("lambdaops release --alarm c", ["carts-errors"]),
        ("lambdaops release orders:live --to ", ["43", "42", "41"]),
        ("lambdaops rollback orders:live --to=4", ["43", "42", "41"]),
        ("lambdaops rollback orders:beta --to 41", ["41"]),
        ("lambdaops rollback --to ", []),
        ("lambdaops release orders --env ", ["prod", "staging"]),
        ("lambdaops abort --env=s", ["staging"]),
        ("lambdaops status --all --config other.yaml --env ", ["live"]),
        ("lambdaops status --config other.yaml ", ["tills:blue", "orders:beta", "orders:live"]),
        ("lambdaops status --config missing.yaml --env ", []),
        # A line that is wrong so far is no reason to fail.
        ("lambdaops release --nosuch x ", ["orders:live", "carts:blue", "naïve:live", "orders:beta"]),
        ("lambdaops release $LATEST --to ", []),
        ("lambdaops release --look-every", ["--look-every"]),
        ("lambdaops release --on-interrupt nosuch --strategy al", ["all-at-once"]),
        ("lambdaops release x:y too many words --strategy al", ["all-at-once"]),
        ("lambdaops --nosuch status orders:l", []),
        (
            "lambdaops audit nosuch ",
            ["list", "show", "search", "tail", "export", "verify", "checkpoint", "keygen", "reconcile", "report"],
        ),
    ],
)
def test_offers(known: Tab, line: str, offered: list[str]) -> None:
    assert known(line) == offered


def test_the_file_is_the_one_that_the_command_would_read(known: Tab) -> None:
    known.variables["LAMBDAOPS_CONFIG"] = "other.yaml"
    assert known("lambdaops plan --env ") == ["live"]
    del known.variables["LAMBDAOPS_CONFIG"]
    below = Tab(known.directory / "src")
    below.directory.mkdir()
    assert below("lambdaops plan --env ") == []
    (known.directory / ".git").mkdir()
    assert below("lambdaops plan --env ") == ["prod", "staging"]
    (below.directory / "lambdaops.yml").touch()
    assert below("lambdaops plan --env ") == []


def test_an_arn_is_completed_after_its_last_colon(known: Tab) -> None:
    """Nothing is offered for one, but what bash splits at its colons must not confuse us."""
    assert known(f"lambdaops status {ARN}:orders:l") == []
    assert known(f"lambdaops rollback {ARN}:orders:live --to 42") == ["42"]


def test_zsh_and_fish_keep_their_colons(known: Tab) -> None:
    zsh = known.run({"_LAMBDAOPS_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "lambdaops status orders:l"})
    assert (zsh.returncode, zsh.stderr) == (0, "")
    assert zsh.stdout == '_arguments \'*: :(("orders\\\\:live":"111122223333 eu-central-1"))\'\n'
    fish = known.run(
        {
            "_LAMBDAOPS_COMPLETE": "complete_fish",
            "_TYPER_COMPLETE_ARGS": "lambdaops status orders:l",
            "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        }
    )
    assert fish.stdout == "orders:live\t111122223333 eu-central-1\n"


@pytest.mark.parametrize(
    ("words", "cursor", "expected"),
    [
        ("lambdaops\nstatus\n", "2", (["lambdaops", "status", ""], 2)),
        ("lambdaops\nstatus\norders\n:\nli", "4", (["lambdaops", "status", "orders:li"], 2)),
        ("lambdaops\nstatus\norders\n:", "3", (["lambdaops", "status", "orders:"], 2)),
        ("lambdaops\nstatus\na\n:\nb\n:\nc\n--to\n=\n4", "9", (["lambdaops", "status", "a:b:c", "--to=4"], 3)),
        ("lambdaops\nstatus\na\n::\nb", "4", (["lambdaops", "status", "a::b"], 2)),
        ("lambdaops\nstatus\norders\n:\nlive\n--watch", "2", (["lambdaops", "status", "orders"], 2)),
        ("lambdaops\n:", "1", (["lambdaops", ":"], 1)),
        ("lambdaops", "1", (["lambdaops"], 1)),
        ("lambdaops", "9", (["lambdaops"], 1)),
        ("", "", ([""], 1)),
        ("a\nb", "x", (["a", "b"], 2)),
        ("a\nb", "-1", (["a", "b"], 2)),
    ],
)
def test_words_are_joined_as_they_were_typed(words: str, cursor: str, expected: tuple[list[str], int]) -> None:
    assert rejoined(words, cursor) == expected


# -- what goes wrong ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["", "- a", "a: [", "functions: [orders]", "functions: {orders: x}", "\x00", "a: *b", "[" * 3000, "1: {2: 3}"],
)
def test_a_broken_configuration_file_offers_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "lambdaops.yaml").write_text(text)
    assert outline(tmp_path / "lambdaops.yaml").targets == ()


def test_a_configuration_file_that_cannot_be_read_offers_nothing(tmp_path: Path) -> None:
    assert outline(tmp_path) == outline(tmp_path / "gone") == Outline()
    (tmp_path / "large").write_bytes(b"functions: {a: {alias: b}}\n" + b"#" * 70_000)
    (tmp_path / "latin").write_bytes(b"functions: {caf\xe9: {alias: live}}")
    assert outline(tmp_path / "large") == outline(tmp_path / "latin") == Outline()


def test_a_name_that_would_disturb_the_line_is_not_offered(tab: Tab) -> None:
    (tab.directory / "lambdaops.yaml").write_text(
        'functions: {a: {alias: b}, "c\\nd": {alias: e}, "\\e[2J": {alias: f}}'
    )
    assert tab("lambdaops status ") == ["a:b"]


def test_what_a_file_names(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(CONFIG, encoding="utf-8")
    assert outline(tmp_path / "a") == Outline(
        ("orders", "carts", "naïve"),
        ("orders:live", "carts:blue", "naïve:live"),
        ("careful",),
        ("prod", "staging"),
        (("", "account-health"), ("orders", "orders-errors"), ("carts", "carts-errors")),
    )


def test_a_home_that_cannot_be_read_offers_nothing(tab: Tab) -> None:
    assert tab("lambdaops status ") == []
    tab.home.write_text("a file")
    assert tab("lambdaops status ") == []
    assert journal_places(tab.home) == ()


def test_a_damaged_journal_offers_its_name_only(known: Tab) -> None:
    path = known.home / "journal/111122223333/eu-central-1/orders/live.jsonl"
    path.write_text("not a record\n")
    assert known("lambdaops status orders:l") == ["live"]
    assert known("lambdaops rollback orders:live --to ") == ["43"]


def test_strange_files_are_no_journals(tmp_path: Path) -> None:
    folder = tmp_path / "journal/111122223333/eu-central-1/orders"
    folder.mkdir(parents=True)
    for name in ("live.jsonl", "@function.jsonl", "a b.jsonl", "live.jsonl.torn-1", "live.driver", "7.jsonl"):
        (folder / name).touch()
    (tmp_path / "journal/x/y/z").mkdir(parents=True)
    (tmp_path / "journal/x/y/z/live.jsonl").touch()
    assert [place.name for place in journal_places(tmp_path)] == ["orders", "orders:live"]


def test_completing_writes_nothing(known: Tab) -> None:
    before = sorted((path, path.stat().st_mtime_ns) for path in known.directory.rglob("*"))
    known("lambdaops status ")
    known("lambdaops release orders:live --to ")
    assert sorted((path, path.stat().st_mtime_ns) for path in known.directory.rglob("*")) == before


# -- how long it takes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["lambdaops status ", "lambdaops release x:y --strategy ", "lambdaops history "])
def test_names_cost_neither_aws_nor_pydantic(known: Tab, line: str) -> None:
    ran = known.run(bash_asks(line), "-X", "importtime")
    loaded = {row.rpartition("|")[2].strip().partition(".")[0] for row in ran.stderr.splitlines()}
    assert ran.stdout
    assert not loaded & {"boto3", "botocore", "pydantic", "tenacity", "filelock", "platformdirs"}


def test_an_aws_that_does_not_answer_is_waited_for_a_second_at_most(known: Tab) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        known.variables |= {
            "AWS_REGION": "eu-central-1",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{silent.getsockname()[1]}",
        }
        start = time.monotonic()
        assert known("lambdaops release orders:live --to 42") == ["42"]
        # A second for AWS, the rest for starting Python twice on a busy machine.
        assert time.monotonic() - start < 5


# -- a real shell ------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_in_a_real_bash(known: Tab) -> None:
    """With the script that --show-completion prints; what the lines are after the tab key, their command tells."""
    lines = {
        "lambdaops status ca\t": "status carts:blue",
        "lambdaops status orders:l\t": "status orders:live",
        "lambdaops release orders:live --strategy=all\t": "release orders:live --strategy=all-at-once",
        "lambdaops release orders:live --strategy care\t--yes": "release orders:live --strategy careful --yes",
    }
    command = known.directory / "bin" / "lambdaops"
    command.parent.mkdir()
    real = f'exec {sys.executable} -m lambdaops "$@"'
    command.write_text(f'#!/bin/sh\n[ "$_LAMBDAOPS_COMPLETE" ] && {real}\necho "RAN=$*=" >> ran\n')
    command.chmod(0o755)
    known.variables |= {"PATH": f"{command.parent}:{os.environ['PATH']}", "TERM": "dumb", "INPUTRC": "/dev/null"}
    (known.directory / "rc").write_text(known.run({"_LAMBDAOPS_COMPLETE": "source_bash"}).stdout)
    terminal, other = pty.openpty()
    bash = subprocess.Popen(
        ["bash", "--noprofile", "--rcfile", "rc", "-i"],
        cwd=known.directory,
        env=known.environment(),
        stdin=other,
        stdout=other,
        stderr=other,
        start_new_session=True,
    )
    try:
        os.write(terminal, ("".join(f"{line}\n" for line in lines) + "exit\n").encode())
        read_until_ended(terminal, bash)
    finally:
        bash.kill()
        bash.wait()
        os.close(terminal)
        os.close(other)
    assert (known.directory / "ran").read_text().splitlines() == [f"RAN={line}=" for line in lines.values()]


def read_until_ended(terminal: int, process: subprocess.Popen[bytes], within: float = 30.0) -> None:
    """A terminal nobody reads from stops its shell when it is full."""
    deadline = time.monotonic() + within
    while process.poll() is None:
        assert time.monotonic() < deadline, "bash did not end"
        if select.select([terminal], [], [], 0.1)[0]:
            os.read(terminal, 4096)


def test_the_scripts_are_there_for_every_shell(tab: Tab) -> None:
    for shell in ("bash", "zsh", "fish"):
        ran = tab.run({"_LAMBDAOPS_COMPLETE": f"source_{shell}"})
        assert ran.returncode == 0
        assert "_LAMBDAOPS_COMPLETE=complete_" + shell in ran.stdout


def test_playbooks_are_offered_by_name(tab: Tab) -> None:
    (tab.directory / "playbooks").mkdir()
    (tab.directory / "playbooks" / "zap-all.yaml").write_text("not even a playbook", "utf-8")
    assert tab("lambdaops playbook run zap") == ["zap-all"]
    assert tab("lambdaops playbook show zap") == ["zap-all"]


def test_open_runs_of_playbooks_are_offered(tab: Tab) -> None:
    journal = FileJournals(tab.home).open("arn:aws:lambda:eu-central-1:111122223333:playbook:drain")
    journal.append(AT, "o-20261123-100000-aaaa", ACTOR, PlaybookOpened("drain", "d", "p", "{}"))
    journal.append(AT, "o-20261123-100000-bbbb", ACTOR, PlaybookOpened("drain", "d", "p", "{}"))
    journal.append(AT, "o-20261123-100000-bbbb", ACTOR, PlaybookClosed(Outcome.DONE, "every step is done"))
    for command in ("resume", "cancel", "approve", "status"):
        assert tab(f"lambdaops playbook {command} o-") == ["o-20261123-100000-aaaa"]
