"""What a pipeline may rely on: envelope and schema, exit codes, slugs. A change here breaks somebody's script."""

from __future__ import annotations

import inspect
import io
import json
import os
import signal
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from lambdaops.cli.commands import tree
from lambdaops.core import errors
from lambdaops.core.errors import EXIT_MEANINGS, AccessDeniedError, ExitCode, LambdaOpsError
from lambdaops.core.model import AlarmState, Routing
from lambdaops.core.states import Cause, Outcome
from lambdaops.render.envelope import STATUS, Result, of_error, status_of
from tests.cli.rig import Cli, Ran

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SCHEMA: dict[str, Any] = json.loads((Path(__file__).parents[2] / "docs" / "result.schema.json").read_text("utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)
RELEASE = ("release", "orders:live", "--to", "2", "--alarm", "errors", "--yes")
SOON = ("--strategy", "10%:1m,100%:1m")  # for a release that only has to have been

EXIT_CODES = {
    "DONE": 0,
    "INTERNAL": 1,
    "USAGE": 2,
    "BLOCKED": 3,
    "ROLLED_BACK": 4,
    "ROLLBACK_INCOMPLETE": 5,
    "HELD": 6,
    "CONFLICT": 7,
    "AWS": 8,
    "PARTIAL": 9,
    "INTERRUPTED": 130,
}
# Adding one is fine; renaming one, or giving it another exit code, is a new major version.
SLUGS = {
    "access-denied": 8,
    "alias-changed": 7,
    "anchor-broken": 2,
    "aws-error": 8,
    "aws-fault": 8,
    "blocked": 3,
    "checkpoint-exists": 2,
    "checkpoint-unwritable": 3,
    "credentials-expired": 8,
    "credentials-invalid": 8,
    "demo-failed": 1,
    "function-changed": 7,
    "halt-drift": 7,
    "internal": 1,
    "interrupted": 130,
    "invalid-comparison": 2,
    "invalid-config": 2,
    "invalid-duration": 2,
    "invalid-expression": 2,
    "invalid-file": 2,
    "invalid-metric": 2,
    "invalid-playbook": 2,
    "invalid-queue": 2,
    "invalid-stages": 2,
    "invalid-target": 2,
    "invalid-version": 2,
    "journal-incomplete": 2,
    "journal-tampered": 2,
    "journal-unreachable": 8,
    "journal-unwritable": 3,
    "limit-reached": 3,
    "no-credentials": 8,
    "no-driver": 6,
    "no-open-release": 3,
    "no-region": 8,
    "not-confirmed": 3,
    "not-found": 3,
    "not-told": 8,
    "nothing-given": 2,
    "partly-done": 9,
    "plan-differs": 3,
    "playbook-edited": 3,
    "playbook-held": 6,
    "playbook-in-progress": 7,
    "function-busy": 7,
    "queue-full": 8,
    "redrive-held": 6,
    "redrive-in-progress": 7,
    "rejected": 8,
    "release-in-progress": 7,
    "resource-busy": 8,
    "rollback-incomplete": 5,
    "rollback-target-unknown": 3,
    "sandbox-unavailable": 3,
    "step-refused": 2,
    "throttled": 8,
    "unhalt-held": 6,
    "unheeded": 6,
    "unknown-strategy": 2,
    "unreachable": 8,
    "usage": 2,
    "version-failed": 3,
    "wrong-account": 3,
}
CLASSES: set[type[LambdaOpsError]] = {
    cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, LambdaOpsError)
}


def commands() -> list[tuple[str, ...]]:
    """Every command's words."""
    found: list[tuple[str, ...]] = []
    for name, command in tree().commands.items():
        inner = getattr(command, "commands", None)
        found += [(name,)] if inner is None else [(name, sub) for sub in inner]
    return found


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Cli]:
    cli = Cli(tmp_path / "home")
    cli.world.alarm("errors")
    with zipfile.ZipFile(tmp_path / "code.zip", "w") as archive:
        archive.writestr("app.py", "def handler(event, context): return 3\n")
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield cli
    for number, handler in handlers.items():
        signal.signal(number, handler)


def valid(ran: Ran) -> dict[str, Any]:
    """The envelope, which the schema takes and the exit code matches."""
    envelope = ran.envelope
    VALIDATOR.validate(envelope)
    assert envelope["exit_code"] == ran.code
    return envelope


# -- pinned --------------------------------------------------------------------------------------------------------


def test_exit_codes_are_what_they_were() -> None:
    assert {code.name: int(code) for code in ExitCode} == EXIT_CODES
    assert set(EXIT_MEANINGS) == set(ExitCode)


def test_no_slug_is_renamed_or_gets_another_exit_code() -> None:
    now = {cls.code: int(cls.exit_code) for cls in CLASSES}
    assert {slug: now.get(slug) for slug in SLUGS} == SLUGS
    assert set(now) == set(SLUGS), "pin the new slug here"


def test_the_schema_knows_every_slug_outcome_exit_code_and_status() -> None:
    assert set(SCHEMA["$defs"]["error"]["properties"]["code"]["enum"]) == set(SLUGS)
    assert SCHEMA["properties"]["exit_code"]["enum"] == sorted(EXIT_CODES.values())
    assert set(SCHEMA["properties"]["status"]["enum"]) == {*STATUS.values(), "error"}
    outcomes = {outcome.value for outcome in Outcome} | {f"held ({cause.value})" for cause in Cause}
    assert set(SCHEMA["$defs"]["released"]["properties"]["outcome"]["enum"]) == outcomes


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_the_schema_speaks_of_every_command() -> None:
    named = {
        rule["if"]["properties"]["command"]["const"]
        for rule in SCHEMA["allOf"]
        if "command" in rule["if"]["properties"]
    }
    shown = {" ".join(words) for words in commands()}
    assert named <= shown
    # Nothing is promised about what else the sandbox says.
    assert shown - named == {"sandbox status"}, "say in docs/result.schema.json what a new command's data is"


@pytest.mark.parametrize("cls", sorted(CLASSES, key=str))
def test_the_schema_takes_every_error(cls: type[LambdaOpsError]) -> None:
    VALIDATOR.validate(of_error("release", cls("what happened: why", hint="Do this.")).envelope())


@pytest.mark.parametrize("code", ExitCode)
def test_status_and_exit_code_belong_together(code: ExitCode) -> None:
    envelope = Result("other", code).envelope()
    VALIDATOR.validate(envelope)
    for status in SCHEMA["properties"]["status"]["enum"]:
        if status != status_of(code):
            with pytest.raises(ValidationError):
                VALIDATOR.validate({**envelope, "status": status})


@pytest.mark.parametrize(
    "change",
    [
        {"lambdaops_result_version": "2"},
        {"more": 1},
        {"data": []},
        {"errors": [{"code": "usage"}]},
        {"errors": [{"code": "new", "message": "", "hint": "", "target": "", "request_id": ""}]},
        {"command": "rollback", "data": {}},
        {"exit_code": 10},
    ],
    ids=str,
)
def test_the_schema_refuses_what_is_no_envelope(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        VALIDATOR.validate({**Result("other", ExitCode.DONE).envelope(), **change})


# -- every command -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_s_usage_error(cli: Cli, words: tuple[str, ...]) -> None:
    envelope = valid(cli(*words, "--no-such-option", "--output", "json"))
    assert (envelope["exit_code"], envelope["status"]) == (2, "error")
    assert [error["code"] for error in envelope["errors"]] == ["usage"]
    named = " ".join(words)
    assert (envelope["command"], envelope["errors"][0]["hint"]) == (
        named,
        f"lambdaops {named} --help shows how it is used.",
    )


@pytest.mark.parametrize("argv", [("nonsense",), ("audit", "nonsense"), ("--nonsense",)], ids=str)
def test_words_that_are_no_command(cli: Cli, argv: tuple[str, ...]) -> None:
    cli.variables["LAMBDAOPS_OUTPUT"] = "json"
    envelope = valid(cli(*argv))
    assert (envelope["exit_code"], envelope["errors"][0]["code"]) == (2, "usage")
    shown = "audit --help shows how it is used" if argv[0] == "audit" else "--help lists the commands"
    assert envelope["errors"][0]["hint"] == f"lambdaops {shown}."


SUCCESSES: list[tuple[str, ...]] = [
    ("publish", "orders", "--zip", "code.zip", "--yes"),
    ("publish", "orders", "--zip", "code.zip", "--dry-run"),
    ("publish", "orders", "--latest", "--yes"),
    ("plan", "orders:live", "--to", "3", "--alarm", "errors"),
    ("release", "orders:live", "--to", "3", "--alarm", "errors", "--yes"),
    ("release", "orders:live", "--to", "2", "--alarm", "errors", "--yes"),
    ("release", "orders:live", "--to", "3", "--dry-run"),
    ("rollback", "orders:live"),
    ("rollback", "orders:live", "--to", "3", "--dry-run"),
    ("halt", "orders", "--yes"),
    ("halt", "orders", "--all-invocations", "--yes"),
    ("halt", "orders", "--dry-run"),
    ("unhalt", "orders", "--yes"),
    ("unhalt", "orders", "--dry-run"),
    ("status", "orders:live"),
    ("status", "--all"),
    ("versions", "orders:live"),
    ("history", "orders:live"),
    ("prune", "orders"),
    ("prune", "orders", "--keep", "1", "--delete", "--yes"),
    ("audit", "list"),
    ("audit", "show", "orders:live"),
    ("audit", "verify"),
    ("audit", "verify", "--against", "anchors"),
    ("audit", "search", "--outcome", "promoted"),
    ("audit", "tail"),
    ("audit", "export", "--to", "events.jsonl"),
    ("audit", "checkpoint", "--to", "anchors"),
    ("audit", "keygen", "audit.pem"),
    ("init",),
    ("init", "--dry-run"),
    ("dlq", "list", "orders"),
    ("dlq", "list", "orders:live"),
    ("dlq", "inspect", "orders-dlq"),
    ("dlq", "dump", "orders-dlq", "letters.jsonl"),
    ("dlq", "load", "kept.jsonl", "--yes"),
    ("dlq", "load", "kept.jsonl", "--dry-run"),
    ("dlq", "purge", "orders-dlq", "--yes"),
    ("dlq", "purge", "orders-dlq", "--no-dump", "--yes"),
    ("dlq", "purge", "orders-dlq", "--dry-run"),
    ("playbook", "list"),
    ("playbook", "show", "tiny"),
    ("playbook", "check", "tiny"),
    ("playbook", "schema"),
    ("playbook", "plan", "tiny"),
    ("playbook", "run", "tiny", "--yes"),
    ("playbook", "run", "tiny", "--dry-run"),
    ("playbook", "status"),
    ("config", "check"),
    ("config", "show"),
    ("config", "show", "orders:live"),
    ("config", "schema"),
    ("notify", "test"),
    ("notify", "send", "hello"),
    ("notify", "send", "hello", "--dry-run"),
    ("sandbox", "up", "--dry-run"),
    ("sandbox", "down", "--dry-run"),
]


TINY = "version: 1\nname: tiny\nsteps: [{id: said, uses: note, with: {message: hello}}]\n"


@pytest.mark.parametrize("output", ["json", "jsonl"])
@pytest.mark.parametrize("argv", SUCCESSES, ids=" ".join)
def test_every_command_s_success(cli: Cli, tmp_path: Path, argv: tuple[str, ...], output: str) -> None:
    assert cli(*RELEASE, *SOON, "--reason", "first").code == 0
    cli.post.write("orders-dlq", 3)
    assert cli("dlq", "dump", "orders-dlq", str(tmp_path / "kept.jsonl")).code == 0
    assert cli("audit", "checkpoint", "--to", str(tmp_path / "anchors")).code == 0
    files = ("code.zip", "letters.jsonl", "kept.jsonl", "anchors", "audit.pem", "events.jsonl")
    words = [str(tmp_path / word) if word in files else word for word in argv]
    if argv[0] == "playbook":
        (cli.home / "playbooks").mkdir()
        (cli.home / "playbooks" / "tiny.yaml").write_text(TINY, "utf-8")
    if argv[0] in ("config", "notify"):
        cli.variables["LAMBDAOPS_CONFIG"] = str(tmp_path / "settings.yaml")
        text = "version: 1\ndefaults: {alias: live}\nnotify: [{slack: {url-from-env: HOOK}}]\n"
        (tmp_path / "settings.yaml").write_text(text, "utf-8")
    envelope = valid(cli(*words, "--output", output))
    assert (envelope["exit_code"], envelope["status"], envelope["errors"]) == (0, "success", [])
    assert envelope["command"] == " ".join(
        argv[:2] if argv[0] in ("audit", "config", "dlq", "notify", "playbook", "sandbox") else argv[:1]
    )


@pytest.mark.parametrize(
    ("command", "options"), [("pause", ()), ("resume", ("--yes",)), ("abort", ()), ("promote", ("--yes",))]
)
def test_steering_what_is_not_open_and_what_nobody_drives(cli: Cli, command: str, options: tuple[str, ...]) -> None:
    assert valid(cli(command, "orders:live", *options, "--output", "json"))["exit_code"] in (2, 3)
    held(cli)
    dry = valid(cli(command, "orders:live", "--dry-run", "--output", "json"))
    assert (dry["exit_code"], dry["data"]["changed"]) == (0, False)
    envelope = valid(cli(command, "orders:live", *options, "--output", "json"))
    assert envelope["command"] == command
    assert envelope["exit_code"] == (0 if command in ("resume", "abort") else 6)


@pytest.mark.parametrize("output", ["json", "jsonl"])
@pytest.mark.parametrize("argv", [("rollback", "orders:live", "--to", "2"), ("status", "orders:live"), RELEASE])
def test_ctrl_c_where_nothing_waits_for_it(cli: Cli, argv: tuple[str, ...], output: str) -> None:
    """While it starts, or in a command that is over in a moment."""

    def pressed() -> None:
        raise KeyboardInterrupt

    cli.world.before_call("get_alias", pressed)
    envelope = valid(cli(*argv, "--output", output))
    assert (envelope["command"], envelope["exit_code"]) == (argv[0], 130)
    assert [error["code"] for error in envelope["errors"]] == ["interrupted"]
    assert "lambdaops status shows how it stands" in envelope["errors"][0]["hint"]
    told = cli(*argv[:2])  # as text, it works again
    assert "interrupted" not in told.err


def held(cli: Cli) -> None:
    """A release was interrupted in its first stage."""
    cli.world.clock.after(30, lambda: os.kill(os.getpid(), signal.SIGINT))
    assert valid(cli(*RELEASE, "--on-interrupt", "hold", "--output", "json"))["exit_code"] == 130


def breach(cli: Cli) -> None:
    cli.world.clock.after(30, lambda: cli.world.breach("errors"))


def deny_rollback(cli: Cli) -> None:
    def deny() -> None:
        cli.world.breach("errors")
        cli.world.fail("set_routing", AccessDeniedError("no", request_id="req-1"), times=99)

    cli.world.clock.after(30, deny)


def silence(cli: Cli) -> None:
    cli.world.turn("errors", AlarmState.INSUFFICIENT_DATA)


def drift(cli: Cli) -> None:
    cli.world.clock.after(30, lambda: cli.world.repoint_alias(Routing("3")))


ENDS: list[tuple[Callable[[Cli], None], tuple[str, ...], str]] = [
    (breach, (), "rolled back"),
    (deny_rollback, (), "held (stuck)"),
    (silence, ("--on-inconclusive", "hold", "--patience", "1m"), "held (inconclusive)"),
    (silence, ("--on-inconclusive", "rollback", "--patience", "1m"), "rolled back"),
    (drift, (), "held (drift)"),
]


@pytest.mark.parametrize(("arrange", "options", "outcome"), ENDS)
@pytest.mark.parametrize("output", ["json", "jsonl"])
def test_every_end_of_a_release(
    cli: Cli, arrange: Callable[[Cli], None], options: tuple[str, ...], outcome: str, output: str
) -> None:
    arrange(cli)
    envelope = valid(cli(*RELEASE, *options, "--output", output))
    assert envelope["data"]["outcome"] == outcome
    Draft202012Validator({"$ref": "#/$defs/released", "$defs": SCHEMA["$defs"]}).validate(envelope["data"])


ERRORS: list[tuple[tuple[str, ...], str]] = [
    (("publish", "orders"), "usage"),
    (("publish", "orders", "--zip", "code.zip", "--latest"), "usage"),
    (("publish", "orders", "--zip", "missing.zip"), "invalid-file"),
    (("plan", "orders"), "invalid-target"),
    (("plan", "orders:live", "--to", "$LATEST"), "invalid-version"),
    (("plan", "orders:live", "--to", "2", "--bake", "soon"), "invalid-duration"),
    (("plan", "orders:live", "--to", "2", "--strategy", "yolo"), "unknown-strategy"),
    (("plan", "orders:live", "--to", "2", "--strategy", "50%:1m,10%:1m"), "invalid-stages"),
    (("release", "orders:live", "--to", "2"), "not-confirmed"),
    (("release", "orders:live", "--to", "2", "--alarm", "nope", "--yes"), "blocked"),
    (("rollback", "orders:live"), "rollback-target-unknown"),
    (("history", "nobody:live"), "not-found"),
    (("prune", "orders:live"), "invalid-target"),
    (("prune", "orders", "--keep", "0"), "usage"),
    (("prune", "orders", "--recent", "soon"), "usage"),
    (("prune", "nobody"), "not-found"),
    (("prune", "orders", "--keep", "1", "--delete"), "not-confirmed"),
    (("init", "--template", "missing.yaml"), "invalid-file"),
    (("config", "check"), "usage"),
    (("config", "check", "missing.yaml"), "invalid-file"),
    (("config", "show", "orders"), "usage"),
    (("notify", "test"), "usage"),
    (("notify", "send", "hello"), "blocked"),
    (("notify", "send", " "), "usage"),
    (("sandbox", "status"), "sandbox-unavailable"),
    (("sandbox", "reset", "--yes"), "sandbox-unavailable"),
]


@pytest.mark.parametrize(
    ("argv", "slug"), ERRORS, ids=lambda value: " ".join(value) if isinstance(value, tuple) else value
)
@pytest.mark.parametrize("output", ["json", "jsonl"])
def test_every_command_s_errors(cli: Cli, argv: tuple[str, ...], slug: str, output: str) -> None:
    envelope = valid(cli(*argv, "--output", output))
    assert [error["code"] for error in envelope["errors"]] == [slug]
    assert envelope["exit_code"] == SLUGS[slug]
    assert envelope["errors"][0]["message"]


@pytest.mark.parametrize(
    "words", [("status", "orders:live"), ("versions", "orders:live"), ("plan", "orders:live", "--to", "2")]
)
def test_aws_errors_carry_the_request(cli: Cli, words: tuple[str, ...]) -> None:
    cli.world.fail("get_alias", AccessDeniedError("no", hint="Ask.", request_id="req-1"))
    (error,) = valid(cli(*words, "--output", "json"))["errors"]
    assert (error["code"], error["request_id"]) == ("access-denied", "req-1")


def test_a_tampered_journal_is_an_error_with_data(cli: Cli, tmp_path: Path) -> None:
    assert cli(*RELEASE).code == 0
    (path,) = (tmp_path / "home" / "journal").rglob("live.jsonl")
    path.write_text(path.read_text("utf-8").replace("orders", "0rders", 1), "utf-8")
    envelope = valid(cli("audit", "verify", "--output", "json"))
    assert (envelope["exit_code"], envelope["data"]["journals"][0]["ok"]) == (2, False)


def test_only_the_envelope_is_on_stdout(cli: Cli) -> None:
    breach(cli)
    ran = cli(*RELEASE, "--output", "json")
    assert json.load(io.StringIO(ran.out))["status"] == "reverted"
    assert "rolling back" in ran.err
