"""Records in the forms that other systems read: OCSF API Activity, and CloudEvents.

Rules this file guarantees: nothing is left out (what a form has no place for stands in ``unmapped`` or ``data``); an
event's id is its journal and its number, so that sending one twice can be noticed; the order is the number's.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from lambdaops.core.arns import session_name
from lambdaops.core.events import Closed, kind_of, to_record
from lambdaops.core.messages import SOURCE
from lambdaops.core.playbook import records as playbook
from lambdaops.core.playbook.records import PlaybookClosed, Status, StepEnded
from lambdaops.core.states import Outcome

if TYPE_CHECKING:
    from lambdaops.core.events import Entry
    from lambdaops.core.model import Actor

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

OCSF_VERSION = "1.4.0"
"""The version of the schema whose class API Activity (6003) this is: https://schema.ocsf.io/1.4.0/classes/api_activity."""

_CLASS = 6003
_CREATE, _UPDATE, _DELETE, _OTHER = 1, 3, 4, 99
_ACTIVITIES = {
    "publish": _CREATE,
    "published": _CREATE,
    "publish-failed": _CREATE,
    "intent": _UPDATE,
    "done": _UPDATE,
    "failed": _UPDATE,
    "rollback": _UPDATE,
    "version-deleting": _DELETE,
    "version-deleted": _DELETE,
    "version-spared": _DELETE,
    "version-delete-failed": _DELETE,
    "queue-changing": _UPDATE,
    "queue-changed": _UPDATE,
    "halt-intent": _UPDATE,
    "halt-done": _UPDATE,
    "halt-failed": _UPDATE,
}
_NAMES = {_CREATE: "Create", _UPDATE: "Update", _DELETE: "Delete", _OTHER: "Other"}
_UNKNOWN, _SUCCESS, _FAILURE = 0, 1, 2
_STATUS = {
    "done": _SUCCESS,
    "published": _SUCCESS,
    "rollback": _SUCCESS,
    "version-deleted": _SUCCESS,
    "version-delete-failed": _FAILURE,
    "failed": _FAILURE,
    "publish-failed": _FAILURE,
    "halt-done": _SUCCESS,
    "halt-failed": _FAILURE,
}
_OF_STEP = {Status.DONE: _SUCCESS, Status.FAILED: _FAILURE, Status.SKIPPED: _UNKNOWN}
_STATUS_NAMES = {_UNKNOWN: "Unknown", _SUCCESS: "Success", _FAILURE: "Failure"}
_INFORMATIONAL, _MEDIUM = 1, 3


def to_ocsf(entry: Entry, version: str) -> dict[str, object]:
    """A record as an event of OCSF's class API Activity; ``version`` is that of lambdaops."""
    kind = kind_of(entry.event)
    activity = _ACTIVITIES.get(kind, _OTHER)
    status = _status(entry)
    region, account, resource = (*entry.target.split(":", 5), "", "", "", "", "", "")[3:6]
    record = to_record(entry)
    return {
        "category_uid": 6,
        "category_name": "Application Activity",
        "class_uid": _CLASS,
        "class_name": "API Activity",
        "activity_id": activity,
        "activity_name": _NAMES[activity],
        "type_uid": _CLASS * 100 + activity,
        "severity_id": _MEDIUM if status == _FAILURE else _INFORMATIONAL,
        "time": (entry.at - _EPOCH) // _MILLISECOND,
        "status_id": status,
        "status": _STATUS_NAMES[status],
        "actor": _ocsf_actor(entry.actor),
        "api": {"operation": kind, "service": {"name": "lambdaops"}},
        "src_endpoint": {"hostname": entry.actor.host},
        "cloud": {"provider": "AWS", "region": region, "account": {"uid": account}},
        "resources": [{"uid": entry.target, "name": resource.removeprefix("function:")}],
        "metadata": {
            "version": OCSF_VERSION,
            "profiles": ["cloud"],  # ``cloud`` is an attribute of the profile, not of the class
            "product": {"name": "lambdaops", "vendor_name": "lambdaops", "version": version},
            "uid": _id(entry),
            "sequence": entry.seq or 0,
            "correlation_uid": entry.release,
            "log_name": entry.target,
        },
        "unmapped": {
            "run": entry.actor.run,
            "commit": entry.actor.commit,
            "op": record["op"],
            "data": record["data"],
        },
    }


def _ocsf_actor(actor: Actor) -> dict[str, object]:
    """The caller, its session if it is an assumed role's, and with which tool, if that is known."""
    found: dict[str, object] = {"user": {"uid": actor.arn, "name": actor.arn.rpartition("/")[2]}}
    if session := session_name(actor.arn):
        found["session"] = {"uid": session}
    if actor.tool:
        found["app_name"] = actor.tool
    return found


def _status(entry: Entry) -> int:
    match entry.event:
        case Closed(outcome=outcome):
            return _SUCCESS if outcome is Outcome.PROMOTED else _FAILURE
        case PlaybookClosed(outcome=ended):
            return _SUCCESS if ended is playbook.Outcome.DONE else _FAILURE
        case StepEnded(status=status):
            return _OF_STEP[status]
        case _:
            pass
    return _STATUS.get(kind_of(entry.event), _UNKNOWN)


def to_cloud_event(entry: Entry) -> dict[str, object]:
    """A record as a CloudEvent 1.0, with the extensions ``sequence`` and ``authcontext``."""
    record = to_record(entry)
    return {
        "specversion": "1.0",
        "id": _id(entry),
        # The sequence counts within a source (CloudEvents extension "sequence"), and each journal counts for itself.
        "source": f"{SOURCE}/{entry.target}",
        "type": f"lambdaops.audit.{kind_of(entry.event)}",
        "subject": entry.target,
        "time": record["at"],
        "datacontenttype": "application/json",
        # A string that is to be ordered as text (CloudEvents extension "sequence").
        "sequence": f"{entry.seq or 0:020}",
        "authtype": "unknown",
        "authid": entry.actor.arn,
        "data": record,
    }


def _id(entry: Entry) -> str:
    return f"{entry.target}#{entry.seq or 0}"
