"""A secret input of a playbook is nowhere but in the payload that it is for: no record, no output, no export.

Whatever a secret is made of, quotes and braces included, and however it comes back.
"""

from __future__ import annotations

import base64
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.plays import Play
from tests.cli.test_contract import valid
from tests.examples import times

if TYPE_CHECKING:
    from collections.abc import Iterator

INNER = """\
version: 1
name: inner
inputs: {key: {secret: true}}
steps:
  - {id: say, uses: note, with: {message: "inside ${{ inputs.key }}"}}
"""
OUTER = """\
version: 1
name: outer
inputs: {token: {secret: true}, many: {type: list, secret: true}}
steps:
  - id: call
    uses: invoke
    with: {target: "orders:live", payload: {token: "${{ inputs.token }}", n: 1}, select: "@"}
  - {id: say, uses: note, name: a note, with: {message: "it is ${{ inputs.token }} and ${{ inputs.many[0] }}"}}
  - {id: more, uses: note, with: {message: "it was ${{ steps.call.outputs.selected.token }}"}}
  - {id: ask, uses: aws, with: {service: sqs, call: GetQueueUrl, parameters: {QueueName: "${{ inputs.token }}"}}}
  - {id: inside, uses: run-playbook, with: {playbook: inner, inputs: {key: "${{ inputs.token }}"}}}
  - {id: wrong, uses: assert, with: {that: "${{ inputs.token == 'x' }}", message: "not ${{ inputs.token }}"}}
outputs: {it: "${{ inputs.token }}"}
"""
# Long enough not to occur by chance; what shells, JSON, YAML and Markdown treat in their own ways.
SECRETS = st.text("abcXYZ'\"\\${}[]<>&|;:/=%# ö漢", min_size=1, max_size=12).map(lambda text: f"Zq7{text}q7Z")


def disguises(word: str) -> Iterator[bytes]:
    data = word.encode()
    yield data
    yield json.dumps(word)[1:-1].encode()
    yield json.dumps(word, ensure_ascii=False)[1:-1].encode()
    yield quote(word).encode()
    yield data.hex().encode()
    yield base64.b64encode(data)[:-4] or data
    yield word.replace("'", "'\"'\"'").encode()


@times(0.4)
@given(SECRETS, SECRETS)
def test_a_secret_is_nowhere(token: str, item: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        play = Play(Path(name))
        play.write("inner", INNER)
        play.write("outer", OUTER)
        play.cli.answers.answer = {"QueueUrl": f"https://sqs/{token}", token: 1}
        said = {"token": token, "many": [item.replace(",", "")]}
        words = ("--inputs", json.dumps(said), "--yes")
        told = [play("plan", "outer", *words[:2])]
        told += [play("run", "outer", *words, "--output", output) for output in ("text", "json", "jsonl")]
        told += [play("status"), play("status", "outer", "--output", "json"), play.cli("audit", "show", "outer")]
        told += [play.cli("audit", "export", "--format", form) for form in ("jsonl", "ocsf", "cloudevents")]
        assert json.loads(play.cli.answers.invoked[0][2])["token"] == token, "the function gets it"
        assert "inside" in play.cli("audit", "show", "inner").out, "the inner playbook gets it"
        written = b"".join(path.read_bytes() for path in play.cli.home.rglob("*") if path.is_file())
        written += "".join(ran.out + ran.err for ran in told).encode()
        assert b"***" in written
        for word in (token, said["many"][0]):
            for disguise in disguises(str(word)):
                assert disguise not in written, (disguise, word)


@pytest.mark.parametrize("secret", ["1", '"', "{", "0", ",", "e", "\\"])
def test_a_secret_of_one_character_breaks_no_record(tmp_path: Path, secret: str) -> None:
    play = Play(tmp_path)
    play.steps(
        "odd",
        '  - {id: call, uses: invoke, with: {target: "orders:live", payload: {n: 1, x: true}, select: "@"}}\n'
        "  - {id: then, uses: note, with: {message: \"n is ${{ steps.call.outputs.selected.n || 'none' }}\"}}\n"
        "  - {id: wrong, uses: assert, with: {that: false}}\n",
        "inputs: {key: {secret: true}}\n",
    )
    words = ("--input", f"key={secret}", "--yes")
    assert play("run", "odd", *words).code == 6
    ran = play("resume", "odd", *words)
    assert ran.code == 6, ran.err
    assert valid(play("status", "odd", "--output", "json"))["exit_code"] == 0
    assert play.cli("audit", "verify").code == 0


def test_a_secret_is_said_again_when_a_run_is_resumed(tmp_path: Path) -> None:
    play = Play(tmp_path)
    play.steps("odd", "  - {id: wrong, uses: assert, with: {that: false}}\n", "inputs: {key: {secret: true}}\n")
    assert play("run", "odd", "--input", "key=swordfish", "--yes").code == 6
    ran = play("resume", "odd", "--yes")
    assert (ran.code, "odd needs key" in ran.err) == (2, True)
    assert play("resume", "odd", "--yes", "--input", "key=swordfish").code == 6
    ran = play("resume", "odd", "--yes", "--input", "other=1", "--input", "key=swordfish")
    assert (ran.code, "stays as it is" in ran.err) == (2, True)


@pytest.mark.parametrize(
    "step",
    [
        'uses: rollback, with: {target: "orders:live", reason: "${{ inputs.key }}"}',
        'uses: rollback, with: {target: "orders:live", reason: "${{ to_string(inputs) }}"}',
        'uses: note, with: {message: x}, compensate: {uses: publish, with: {function: f, reason: "${{ inputs.key }}"}}',
        'uses: run-playbook, with: {playbook: inner, inputs: {what: "${{ inputs.key }}"}}',
        'uses: run-playbook, with: {playbook: inner, inputs: {key: x, what: "a ${{ inputs.key }}"}}',
        'uses: note, for-each: "${{ inputs.key }}", with: {message: x}',
    ],
)
def test_a_command_that_would_journal_a_secret_is_not_given_one(tmp_path: Path, step: str) -> None:
    play = Play(tmp_path)
    play.write("inner", INNER.replace("secret: true}", "secret: true, default: null}, what: {default: x}"))
    play.steps("tell", f"  - {{id: tell, {step}}}\n", "inputs: {key: {secret: true}}\n")
    ran = play("check", "tell")
    assert ran.code == 2
    assert "key is secret" in ran.err or "would put the secret inputs" in ran.err
    assert "tell.yaml:4:" in ran.err or "tell.yaml:5:" in ran.err
