"""Publish an immutable version: upload, settle, publish, wait until the published version itself is Active.

Rules this file guarantees: every write is guarded (RevisionId, and CodeSha256 at the publish); a change between our
upload and our publish is refused, not published; AWS decides what is unchanged, we only tell which version that is; a
version that Failed ends the wait at once; running it again after a crash anywhere publishes nothing twice.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from lambdaops.core.arns import principal_name
from lambdaops.core.duration import format_duration
from lambdaops.core.errors import AwsError, ConflictError, FunctionChangedError, LambdaOpsError, VersionFailedError
from lambdaops.core.events import Published, PublishFailed, PublishStarted
from lambdaops.core.model import Actor, Version
from lambdaops.core.notices import Progress
from lambdaops.core.playbook.tags import same_step
from lambdaops.ops.recorder import Recorder, actor_of, new_run

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambdaops.ports import Code, Ports

_LOOK_EVERY = timedelta(seconds=1)
# SnapStart snapshots take two to three minutes, VPC attachments and images up to about ten.
_SETTLE_WITHIN = timedelta(minutes=15)
_DESCRIPTION_LIMIT = 256


@dataclass(frozen=True, slots=True)
class Publication:
    """The version that now holds the code; ``new`` is false when nothing had changed since it was published."""

    version: Version
    new: bool


@dataclass(frozen=True, slots=True)
class PublishPlan:
    """What a publish would do: ``upload`` is None when only AWS can tell whether the code is the same."""

    function: str
    source: str
    code_sha256: str
    latest: Version
    upload: bool | None


def published_before(ports: Ports, function: str) -> Publication | None:
    """What was published for the step we are (``ports.run``); None if nothing was.

    Raises:
        NotFoundError, AwsError: the function, or that version of it, cannot be read.
        JournalTamperedError, InvalidFileError: the journal cannot be used.
    """
    entries = ports.journals.open(ports.functions.get_version(function).arn).read().entries
    done = [one.event for one in entries if same_step(ports.run, one.actor.run) and isinstance(one.event, Published)]
    return Publication(ports.functions.get_version(function, done[-1].version), done[-1].new) if done else None


def describe_source(code: Code) -> str:
    """Where the code comes from, for people and the journal."""
    if code.there:
        return "what is there ($LATEST)"
    if code.s3 is not None:
        bucket, key, version = code.s3
        return f"s3://{bucket}/{key}" + (f"@{version}" if version else "")
    return code.image or f"zip of {len(code.zip or b'')} bytes"


def sha256_of(code: Code) -> str:
    """Lambda's CodeSha256 of a zip (base64 of the digest); empty when only AWS knows."""
    return base64.b64encode(hashlib.sha256(code.zip).digest()).decode() if code.zip is not None else ""


def is_fixed(code: Code) -> bool:
    """Whether the place that the code comes from holds the same code for ever: a version in S3, a digest."""
    return (code.s3 is not None and bool(code.s3[2])) or "@sha256:" in (code.image or "")


def published_from(ports: Ports, arn: str, source: str) -> frozenset[str]:
    """The versions that this machine's journal says were published from there.

    Raises:
        JournalTamperedError, InvalidFileError: the journal cannot be used.
    """
    entries = ports.journals.open(arn).read().entries
    runs = {
        entry.release for entry in entries if isinstance(entry.event, PublishStarted) and entry.event.source == source
    }
    return frozenset(
        entry.event.version for entry in entries if isinstance(entry.event, Published) and entry.release in runs
    )


def description_of(commit: str, actor: Actor, reason: str) -> str:
    """What the version's Description says: commit, who, why; at most the 256 characters that Lambda keeps."""
    parts = (f"commit {commit}" if commit else "", f"by {principal_name(actor.arn)}", reason and f"- {reason}")
    return " ".join(part for part in parts if part)[:_DESCRIPTION_LIMIT]


def plan_publish(ports: Ports, function: str, code: Code) -> PublishPlan:
    """Read what is there and say what a publish would do; writes nothing (and never UpdateFunctionCode with DryRun)."""
    latest = ports.functions.get_version(function)
    # Taken for what is published: code that somebody uploads from now on is refused.
    sha = latest.code_sha256 if code.there else sha256_of(code)
    return PublishPlan(function, describe_source(code), sha, latest, latest.code_sha256 != sha if sha else None)


def publish(
    ports: Ports, function: str, code: Code, *, commit: str = "", reason: str = "", ticket: str = ""
) -> Publication:
    """Publish this code.

    Raises:
        FunctionChangedError: somebody else changed the unpublished code or configuration meanwhile.
        VersionFailedError: Lambda could not make the update or the version usable, or did not in time.
        NotFoundError, AwsError, JournalUnwritableError.
    """
    plan = plan_publish(ports, function, code)
    arn = plan.latest.arn
    actor = actor_of(ports)
    run = new_run("p", ports.clock.now())
    recorder = Recorder(ports, ports.journals.open(arn), arn, run, actor)
    recorder.record(PublishStarted(plan.source, plan.code_sha256, reason, ticket))
    try:
        publication = _publish(ports, plan, code, description_of(commit, actor, reason))
    except LambdaOpsError as error:
        recorder.record_if_possible(PublishFailed(error.code, error.message, error.request_id))
        raise
    version = publication.version
    recorder.record(Published(version.number, version.code_sha256, publication.new, version.description))
    return publication


def _publish(ports: Ports, plan: PublishPlan, code: Code, description: str) -> Publication:
    functions, function = ports.functions, plan.function
    known = {version.number for version in functions.list_versions(function)}
    latest = _settled(ports, function)
    if plan.upload is False:
        _require_usable(latest, function)
        if latest.code_sha256 != plan.code_sha256:
            raise _changed(function, "the code is not what it was a moment ago")
    else:
        _tell(ports, f"uploading {plan.source} to {function}")
        uploaded = _upload(ports, plan, code, latest)
        if plan.code_sha256 and uploaded.code_sha256 != plan.code_sha256:
            raise _changed(function, "AWS reports another hash than the uploaded code has")
        latest = _settled(ports, function)
        _require_usable(latest, function)
        if latest.code_sha256 != uploaded.code_sha256:
            raise _changed(function, "the code is not what was uploaded a moment ago")
    published = _new_version(ports, latest, function, description, known)
    version = _poll(
        ports,
        f"version {published.number} of {function}",
        lambda: functions.get_version(function, published.number),
        lambda seen: seen.state != "Pending",
    )
    if version.state not in ("Active", "Inactive"):
        raise VersionFailedError(
            f"version {version.number} of {function} is {version.state}: "
            f"{version.state_reason_code} {version.state_reason}".rstrip(),
            hint="It will never take traffic. Fix the cause and publish again; the alias was not touched.",
            target=function,
        )
    return Publication(version, version.number not in known)


def _upload(ports: Ports, plan: PublishPlan, code: Code, latest: Version) -> Version:
    """Upload, and where the answer was lost, look: a second try meets a revision of the first one's making."""
    try:
        return ports.functions.update_code(plan.function, code, latest.revision)
    except (FunctionChangedError, AwsError) as error:
        if not _may_have_landed(error) or not plan.code_sha256:
            raise
        seen = _settled(ports, plan.function)
        if seen.code_sha256 != plan.code_sha256:
            raise
        return seen


def _new_version(ports: Ports, latest: Version, function: str, description: str, known: set[str]) -> Version:
    """Publish, and where the answer was lost, look for the version: it is not published twice."""
    try:
        return ports.functions.publish_version(function, latest.code_sha256, latest.revision, description)
    except (FunctionChangedError, AwsError) as error:
        if not _may_have_landed(error):
            raise
        for version in reversed(ports.functions.list_versions(function)):
            ours = version.code_sha256 == latest.code_sha256 and version.description == description
            if ours and version.number not in known:
                return version
        raise


def _may_have_landed(error: LambdaOpsError) -> bool:
    """Whether the call may have taken effect all the same, in an attempt before the one that was answered."""
    return isinstance(error, FunctionChangedError | ConflictError) or (isinstance(error, AwsError) and error.ambiguous)


def _settled(ports: Ports, function: str) -> Version:
    """The unpublished code once no update is in progress: its revision changes again when an update completes."""
    return _poll(
        ports,
        f"the update of {function}",
        lambda: ports.functions.get_version(function),
        lambda seen: seen.update != "InProgress" and seen.state != "Pending",
    )


def _require_usable(latest: Version, function: str) -> None:
    if latest.update == "Failed" or latest.state == "Failed":
        code = latest.update_reason_code or latest.state_reason_code
        raise VersionFailedError(
            f"the last update of {function} failed: {code} {latest.update_reason or latest.state_reason}".rstrip(),
            hint="Fix the cause, then publish again; the alias was not touched.",
            target=function,
        )


def _poll(ports: Ports, what: str, read: Callable[[], Version], ready: Callable[[Version], bool]) -> Version:
    deadline = ports.clock.now() + _SETTLE_WITHIN
    told = False
    while not ready(seen := read()):
        if ports.clock.now() >= deadline:
            raise VersionFailedError(
                f"{what} is still {_not_ready(seen)} after {format_duration(_SETTLE_WITHIN)}",
                hint="Run the same command again: it goes on where this one stopped.",
            )
        if not told:
            _tell(ports, f"waiting for {what}: {_not_ready(seen)}")
            told = True
        ports.clock.sleep(_LOOK_EVERY)
    return seen


def _not_ready(seen: Version) -> str:
    if seen.state == "Pending":
        return f"{seen.state} {seen.state_reason_code}".rstrip()
    return seen.update


def _tell(ports: Ports, message: str) -> None:
    ports.sink.emit(Progress(ports.clock.now(), message))


def _changed(function: str, why: str) -> FunctionChangedError:
    return FunctionChangedError(
        f"{function} was changed by somebody else during the publish: {why}",
        hint="Nothing was published. Find out who deploys it (CI, console, IaC), then run the command again.",
        target=function,
    )
