"""Who is told, as the file says it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lambdaops.config.read import read_config
from lambdaops.config.resolve import resolve
from lambdaops.core.notifications import EVERY, EventBridgeChannel, Moment, SlackChannel, SnsChannel

if TYPE_CHECKING:
    from lambdaops.config.resolve import Resolved

TOPIC = "arn:aws:sns:eu-central-1:111122223333:releases"
FILE = f"""\
version: 1
environments:
  prod:
    account: "111122223333"
    region: eu-central-1
    notify:
      - {{slack: {{url-from-env: PROD_HOOK}}, on: [rolled-back, held, held]}}
  dev: {{account: "111122223333", region: eu-west-1}}
  quiet: {{account: "111122223333", region: eu-west-1, notify: []}}
notify:
  - {{slack: {{url-from-env: HOOK}}}}
  - {{sns: {{topic: "{TOPIC}"}}, on: [promoted]}}
  - {{eventbridge: {{bus: default}}}}
"""
ALL = (SlackChannel("HOOK"), SnsChannel(TOPIC, (Moment.PROMOTED,)), EventBridgeChannel("default"))


def resolved(tmp_path: Path, environment: str) -> Resolved:
    path = tmp_path / "lambdaops.yaml"
    path.write_text(FILE, "utf-8")
    return resolve(read_config(path, Path(path.name)), environment, "orders")


def test_the_file_s_channels_hold_where_an_environment_says_nothing(tmp_path: Path) -> None:
    for environment in ("", "dev"):
        found = resolved(tmp_path, environment)
        assert found.settings.notify == ALL
        assert found.origins["notify"] == "notify (lambdaops.yaml:10)"
    assert ALL[0].on == EVERY


def test_an_environment_s_channels_stand_instead(tmp_path: Path) -> None:
    found = resolved(tmp_path, "prod")
    assert found.settings.notify == (SlackChannel("PROD_HOOK", (Moment.ROLLED_BACK, Moment.HELD)),)
    assert found.origins["notify"].startswith("environments.prod.notify")


def test_an_environment_may_tell_nobody(tmp_path: Path) -> None:
    assert resolved(tmp_path, "quiet").settings.notify == ()
