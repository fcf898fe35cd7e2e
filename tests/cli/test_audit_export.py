"""Records in the forms of other systems, held to what their schemas say."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from lambdaops.core.events import KINDS
from lambdaops.core.model import Actor
from lambdaops.store.files import FileJournals
from tests.cli.rig import Cli
from tests.sim.disk import SteadyDisk
from tests.store.records import EVENTS, NOON, OTHER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """One release that was promoted for SHOP-1, then one that was rolled back by hand for SHOP-2."""
    cli = Cli(tmp_path / "home")
    cli.world.alarm("errors")
    assert cli("release", "orders:live", "--to", "3", "--alarm", "errors", "--yes", "--ticket", "SHOP-1").code == 0
    assert cli("rollback", "orders:live", "--ticket", "SHOP-2", "--reason", "too slow").code == 0
    return cli


def test_export_as_it_is_gives_every_record(cli: Cli, tmp_path: Path) -> None:
    ran = cli("audit", "export")
    recorded = cli("audit", "search", "--output", "json").envelope["data"]["records"]
    assert [json.loads(line)["kind"] for line in ran.out.splitlines()] == [one["kind"] for one in recorded]
    to = str(tmp_path / "events.jsonl")
    kept = cli("audit", "export", "--to", to, "--output", "json")
    assert kept.envelope["data"]["records"] == len(ran.out.splitlines())
    assert (tmp_path / "events.jsonl").read_text("utf-8") == ran.out
    assert cli("audit", "export", "--to", to).code == 2, "a file is not written over"
    assert cli("audit", "export", "--output", "json").code == 2


# OCSF 1.4.0 (github.com/ocsf/ocsf-schema, tag 1.4.0): events/application/api_activity.json over events/base_event.json,
# the objects they name, profiles/cloud.json and the types of dictionary.json. Required, and all that we use.
OCSF_REQUIRED = {
    *("activity_id", "actor", "api", "category_uid", "class_uid", "metadata", "severity_id", "src_endpoint", "time"),
    *("type_uid", "metadata.product", "metadata.version", "api.operation"),
    *("cloud", "cloud.provider"),  # of the profile
}
OCSF_TYPES: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("activity_id", "category_uid", "class_uid", "severity_id", "status_id", "time", "type_uid"), int),
    **dict.fromkeys(("activity_name", "category_name", "class_name", "status"), str),
    **dict.fromkeys(("actor", "actor.user", "actor.session", "api", "api.service", "cloud", "cloud.account"), dict),
    **dict.fromkeys(("metadata", "metadata.product", "src_endpoint", "unmapped"), dict),
    **dict.fromkeys(("actor.app_name", "actor.user.uid", "actor.user.name", "actor.session.uid"), str),
    **dict.fromkeys(("api.operation", "api.service.name", "cloud.provider", "cloud.region", "cloud.account.uid"), str),
    **dict.fromkeys(("metadata.version", "metadata.uid", "metadata.correlation_uid", "metadata.log_name"), str),
    **dict.fromkeys((f"metadata.product.{name}" for name in ("name", "vendor_name", "version")), str),
    "metadata.sequence": int,
    "metadata.profiles": list,
    "src_endpoint.hostname": str,
    "resources": list,
    "resources[].uid": str,
    "resources[].name": str,
    "metadata.profiles[]": str,
    "resources[]": dict,
}
OCSF_CAPTIONS = {
    "activity": {0: "Unknown", 1: "Create", 2: "Read", 3: "Update", 4: "Delete", 99: "Other"},
    "status": {0: "Unknown", 1: "Success", 2: "Failure"},
}
OCSF_SEVERITIES = {0, 1, 2, 3, 4, 5, 6, 99}


def attributes(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every attribute of an event by its path; what is in ``unmapped`` is nobody's."""
    if path:
        yield path, value
    if isinstance(value, dict) and path != "unmapped":
        for name, inner in value.items():
            yield from attributes(inner, f"{path}.{name}" if path else name)
    for inner in value if isinstance(value, list) else ():
        yield from attributes(inner, f"{path}[]")


def test_export_as_ocsf_is_what_the_class_asks_for(cli: Cli) -> None:
    events = [json.loads(line) for line in cli("audit", "export", "--format", "ocsf").out.splitlines()]
    for event in events:
        found = list(attributes(event))
        assert {path for path, _ in found} >= OCSF_REQUIRED
        assert {path for path, _ in found} <= OCSF_TYPES.keys()
        assert not [path for path, value in found if type(value) is not OCSF_TYPES[path]]
        # The server makes class_uid of the category's number (categories.json) and the class's: 6 and 3.
        assert (event["class_uid"], event["class_name"]) == (6003, "API Activity")
        assert (event["category_uid"], event["category_name"]) == (6, "Application Activity")
        assert event["type_uid"] == 6003 * 100 + event["activity_id"]
        assert event["activity_name"] == OCSF_CAPTIONS["activity"][event["activity_id"]]
        assert event["status"] == OCSF_CAPTIONS["status"][event["status_id"]]
        assert event["severity_id"] in OCSF_SEVERITIES
        assert event["metadata"]["version"] == "1.4.0"
        assert event["metadata"]["profiles"] == ["cloud"], "cloud is no attribute without its profile"
        assert event["api"]["operation"] in KINDS
    by_kind = {event["api"]["operation"]: event for event in events}
    assert (by_kind["done"]["activity_name"], by_kind["done"]["status"]) == ("Update", "Success")
    assert by_kind["closed"]["status"] == "Success"
    assert by_kind["opened"]["status"] == "Unknown"
    assert by_kind["opened"]["unmapped"]["data"]["ticket"] == "SHOP-1"
    assert len({event["metadata"]["uid"] for event in events}) == len(events)


def test_export_as_ocsf_says_who_with_what_from_where(cli: Cli) -> None:
    ada = "arn:aws:sts::111122223333:assumed-role/oncall/ada"
    journal = FileJournals(cli.home, disk=SteadyDisk()).open(OTHER)
    journal.append(NOON, "r-8", Actor("arn:aws:iam::111122223333:user/eve", "old"), EVENTS[1])
    journal.append(NOON, "r-9", Actor(ada, "ci-7", "gitlab:7", "8c1e2f3a9b7d", "lambdaops 1.2.3"), EVENTS[1])
    exported = cli("audit", "export", "--format", "ocsf", "--function", "orders:beta").out
    old, new = [json.loads(line) for line in exported.splitlines()]
    assert old["actor"] == {"user": {"uid": "arn:aws:iam::111122223333:user/eve", "name": "eve"}}
    assert new["actor"] == {
        "user": {"uid": ada, "name": "ada"},
        "session": {"uid": "ada"},
        "app_name": "lambdaops 1.2.3",
    }
    assert (new["src_endpoint"]["hostname"], new["unmapped"]["run"], new["unmapped"]["commit"]) == (
        "ci-7",
        "gitlab:7",
        "8c1e2f3a9b7d",
    )


def test_export_as_cloud_events_is_ordered_by_text(cli: Cli) -> None:
    """github.com/cloudevents/spec: spec.md, formats/cloudevents.json and extensions/{sequence,authcontext}.md."""
    events = [json.loads(line) for line in cli("audit", "export", "--format", "cloudevents").out.splitlines()]
    assert {event["specversion"] for event in events} == {"1.0"}
    assert len({(event["source"], event["id"]) for event in events}) == len(events)
    sequence = [event["sequence"] for event in events]
    assert sequence == sorted(sequence)
    assert [int(one) for one in sequence] == list(range(1, len(events) + 1))
    for event in events:
        # Required, and not empty; what is optional may be left out, not empty either.
        texts = {"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "sequence", "authid"}
        assert all(isinstance(event[name], str) and event[name] for name in texts)
        assert event.keys() == texts | {"authtype", "data"}
        assert re.fullmatch(r"[A-Za-z0-9:/._~@$-]+", event["source"]), "a URI reference (RFC 3986)"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", event["time"]), "RFC 3339"
        assert event["authtype"] == "unknown", (
            "one of the extension's words: an ARN does not say whether it is a person"
        )
        assert event["data"]["actor"]["tool"] == "lambdaops test"
    # Names of attributes: lower-case letters and digits, at most twenty (CloudEvents 1.0, "Naming conventions").
    assert all(name.isalnum() and name.islower() and len(name) <= 20 for event in events for name in event)


def test_the_sequence_of_a_cloud_event_counts_within_its_source(cli: Cli) -> None:
    """ "The relative order of the event within the scope of its source": journals count for themselves."""
    FileJournals(cli.home, disk=SteadyDisk()).open(OTHER).append(NOON, "r-9", Actor("eve", "host"), EVENTS[1])
    events = [json.loads(line) for line in cli("audit", "export", "--format", "cloudevents").out.splitlines()]
    assert len({event["source"] for event in events}) == 2
    assert len({(event["source"], event["sequence"]) for event in events}) == len(events)
