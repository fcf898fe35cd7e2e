"""Publishing on the simulated account: what is uploaded, what is guarded, and what a second run does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lambdaops.core.errors import (
    AccessDeniedError,
    ConflictError,
    ExitCode,
    FunctionChangedError,
    JournalTamperedError,
    JournalUnwritableError,
    LambdaOpsError,
    NotFoundError,
    ThrottledError,
    UnreachableError,
    VersionFailedError,
)
from lambdaops.core.events import Published, PublishFailed, PublishStarted, to_record
from lambdaops.core.model import Actor, Routing
from lambdaops.core.notices import Progress, Warned
from lambdaops.ops.publish import Publication, describe_source, description_of, plan_publish, publish, sha256_of
from lambdaops.ports import Code
from tests.sim.journal import Crash, SimJournal
from tests.sim.rig import Rig
from tests.sim.world import ARN, World, version

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambdaops.core.notices import Notice

BUILD = Code(zip=b"build 4: SECRET_TOKEN=hunter2")
WRITES = ("update_code", "publish_version", "set_routing")


@pytest.fixture
def rig() -> Rig:
    return Rig()


def run(rig: Rig, code: Code = BUILD, reason: str = "") -> Publication:
    return publish(rig.ports, "orders", code, commit="3f2a91c", reason=reason)


def journal(rig: Rig) -> SimJournal:
    """A publication belongs to the function, not to one of its aliases."""
    return rig.journals.open(ARN)


def failure(rig: Rig) -> PublishFailed:
    """The last record, when it tells of a failure."""
    event = journal(rig).read().entries[-1].event
    assert isinstance(event, PublishFailed)
    return event


def writes_of(rig: Rig) -> list[str]:
    return [call for call in rig.world.calls if call in WRITES]


def already_there(rig: Rig, code: Code = BUILD) -> None:
    """The unpublished code is this build."""
    rig.world.latest = replace(rig.world.latest, code_sha256=rig.world.sha(code))


# -- the way it should go ------------------------------------------------------------------------------------------


def test_code_is_uploaded_settled_published_and_waited_for(rig: Rig) -> None:
    done = run(rig)
    assert (done.version.number, done.version.state, done.new) == ("4", "Active", True)
    assert done.version.code_sha256 == sha256_of(BUILD)
    assert writes_of(rig) == ["update_code", "publish_version"]
    assert rig.world.clock.slept == [timedelta(seconds=1)] * 5, "two for the update, three for the version"


def test_no_alias_is_touched(rig: Rig) -> None:
    run(rig)
    assert rig.world.routing == Routing("1")
    assert "get_alias" not in rig.world.calls


def test_the_published_version_itself_is_waited_for_not_the_unpublished_code(rig: Rig) -> None:
    rig.world.version_takes = 240
    assert run(rig).version.state == "Active"
    assert sum(rig.world.clock.slept, timedelta()) >= timedelta(seconds=240)


def test_what_is_waited_for_is_told_once(rig: Rig) -> None:
    run(rig)
    told = [notice.message for notice in rig.notices if isinstance(notice, Progress)]
    assert told == [
        "uploading zip of 29 bytes to orders",
        "waiting for the update of orders: InProgress",
        "waiting for version 4 of orders: Pending",
    ]


def test_a_snapshot_that_sleeps_is_usable(rig: Rig) -> None:
    rig.world.version_ends = replace(version("new"), state="Inactive")
    assert run(rig).version.state == "Inactive"


def test_what_is_there_is_published_without_an_upload(rig: Rig) -> None:
    done = run(rig, Code())
    assert (done.version.code_sha256, done.new) == (rig.world.latest.code_sha256, True)
    assert writes_of(rig) == ["publish_version"]
    again = run(rig, Code())
    assert (again.version.number, again.new) == (done.version.number, False)


@pytest.mark.parametrize("code", [Code(s3=("bucket", "key.zip", "v7")), Code(image="repo@sha256:abc")])
def test_code_whose_hash_only_aws_knows_is_always_uploaded(rig: Rig, code: Code) -> None:
    already_there(rig, code)
    assert run(rig, code).new
    assert writes_of(rig) == ["update_code", "publish_version"]


# -- nothing new ---------------------------------------------------------------------------------------------------


def test_unchanged_code_is_not_uploaded_again_and_its_version_is_given_back(rig: Rig) -> None:
    first = run(rig)
    rig.world.calls.clear()
    again = run(rig)
    assert (again.version.number, again.new) == (first.version.number, False)
    assert writes_of(rig) == ["publish_version"], "AWS, not we, decides that nothing changed"


def test_uploaded_but_never_published_code_is_published_without_an_upload(rig: Rig) -> None:
    already_there(rig)
    done = run(rig)
    assert (done.version.number, done.new) == ("4", True)
    assert writes_of(rig) == ["publish_version"]


def test_a_changed_configuration_makes_a_new_version_of_the_same_code(rig: Rig) -> None:
    run(rig)
    rig.world.change_config()
    done = run(rig)
    assert (done.version.number, done.new) == ("5", True)
    assert writes_of(rig).count("update_code") == 1


@pytest.mark.parametrize(
    ("code", "upload"), [(BUILD, True), (Code(image="repo:7"), None), (Code(s3=("b", "k", None)), None)]
)
def test_a_plan_says_what_would_be_uploaded_and_writes_nothing(rig: Rig, code: Code, *, upload: bool | None) -> None:
    plan = plan_publish(rig.ports, "orders", code)
    assert (plan.upload, plan.source, plan.code_sha256) == (upload, describe_source(code), sha256_of(code))
    assert rig.world.calls == ["get_version"]
    assert rig.journals.journals == {}


def test_a_plan_of_unchanged_code_says_so(rig: Rig) -> None:
    already_there(rig)
    assert plan_publish(rig.ports, "orders", BUILD).upload is False


# -- crashes and lost answers --------------------------------------------------------------------------------------


def die() -> None:
    raise Crash


@pytest.mark.parametrize("call", ["get_version", "caller", "list_versions", "update_code", "publish_version"])
def test_killed_before_any_call_a_second_run_publishes_once(rig: Rig, call: str) -> None:
    rig.world.before_call(call, die)
    with pytest.raises(Crash):
        run(rig)
    done = run(rig)
    assert done.version.number == "4"
    assert rig.world.calls.count("update_code") == 1
    assert max(rig.world.versions) == "4"


def test_killed_while_the_update_is_in_progress_a_second_run_waits_for_it(rig: Rig) -> None:
    rig.world.update_takes = 60
    rig.world.on_call = lambda call: die() if rig.world.latest.update == "InProgress" else None
    with pytest.raises(Crash):
        run(rig)
    rig.world.on_call = None
    assert run(rig).version.number == "4"
    assert writes_of(rig) == ["update_code", "publish_version"]


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("append", [1, 2])
def test_killed_at_a_journal_append_a_second_run_publishes_once(rig: Rig, append: int, *, before: bool) -> None:
    journal(rig).crash_at, journal(rig).crash_before = append, before
    with pytest.raises(Crash):
        run(rig)
    assert run(rig).version.number == "4"
    assert max(rig.world.versions) == "4"


@pytest.mark.parametrize("call", ["update_code", "publish_version"])
def test_a_call_that_was_never_made_is_made_by_the_same_command_again(rig: Rig, call: str) -> None:
    rig.world.fail(call, UnreachableError("reset", request_id="req-1"))
    with pytest.raises(UnreachableError):
        run(rig)
    assert failure(rig) == PublishFailed("unreachable", "reset", "req-1")
    assert run(rig).version.number == "4"
    assert max(rig.world.versions) == "4"


@pytest.mark.parametrize("call", ["update_code", "publish_version"])
@pytest.mark.parametrize("error", [UnreachableError("reset"), FunctionChangedError("412"), ConflictError("409")])
def test_a_lost_answer_is_settled_by_looking(rig: Rig, call: str, error: LambdaOpsError) -> None:
    """botocore's second try meets what the first one did: a new revision, or an update in progress."""
    rig.world.fail(call, error, after=True)
    publication = run(rig)
    assert (publication.version.number, publication.new) == ("4", True)
    assert max(rig.world.versions) == "4"


# -- somebody else -------------------------------------------------------------------------------------------------


def refused(rig: Rig) -> FunctionChangedError:
    """The publish is refused and nothing was published."""
    with pytest.raises(FunctionChangedError) as caught:
        run(rig)
    assert max(rig.world.versions) == "3", "nothing was published"
    assert failure(rig).code == "function-changed"
    assert caught.value.exit_code is ExitCode.CONFLICT
    return caught.value


def test_other_code_after_the_upload_is_not_published(rig: Rig) -> None:
    rig.world.on_call = once_settled(rig, rig.world.change_code)
    error = refused(rig)
    assert "publish_version" not in rig.world.calls, "seen before AWS was asked"
    assert "was changed by somebody else during the publish" in error.message
    assert "Find out who deploys it" in error.hint


def once_settled(rig: Rig, hook: Callable[[], None]) -> Callable[[str], None]:
    """Runs the hook just before our upload is first read back as settled."""

    def on_call(call: str) -> None:
        settled = rig.world.latest.code_sha256 == sha256_of(BUILD) and rig.world.latest.update == "Successful"
        if call == "get_version" and settled:
            rig.world.on_call = None
            hook()

    return on_call


@pytest.mark.parametrize("same", [True, False], ids=["same zip", "new zip"])
def test_other_code_just_before_the_publish_is_refused_by_its_hash(rig: Rig, *, same: bool) -> None:
    if same:
        already_there(rig)
    rig.world.before_call("publish_version", rig.world.change_code)
    refused(rig)


def test_what_is_there_is_not_published_once_it_is_something_else(rig: Rig) -> None:
    rig.world.before_call("publish_version", rig.world.change_code)
    with pytest.raises(FunctionChangedError):
        run(rig, Code())
    assert max(rig.world.versions) == "3", "nothing was published"


def test_another_configuration_just_before_the_publish_is_refused_by_the_revision(rig: Rig) -> None:
    rig.world.before_call("publish_version", rig.world.change_config)
    refused(rig)


def test_other_code_just_before_the_upload_is_refused_by_the_revision(rig: Rig) -> None:
    rig.world.before_call("update_code", rig.world.change_code)
    refused(rig)
    assert rig.world.latest.code_sha256.startswith("theirs"), "and stays"


def test_unchanged_code_that_changes_while_it_is_looked_at_is_not_published_as_ours(rig: Rig) -> None:
    already_there(rig)
    rig.world.before_call("list_versions", rig.world.change_code)
    assert "the code is not what it was a moment ago" in refused(rig).message


class Mangling(World):
    """An AWS that stores something else than it was sent."""

    @staticmethod
    def sha(code: Code) -> str:
        return "another hash"


def test_an_upload_that_arrives_as_something_else_is_refused(rig: Rig) -> None:
    rig.world = Mangling()
    assert "another hash than the uploaded code has" in refused(rig).message


def test_an_update_of_somebody_else_is_waited_out_before_the_upload(rig: Rig) -> None:
    rig.world.latest = replace(rig.world.latest, update="InProgress")
    rig.world.clock.after(30, rig.world.settle)
    assert run(rig).version.number == "4"


@pytest.mark.parametrize("call", ["update_code", "publish_version"])
def test_an_update_that_begins_in_between_is_busy_and_the_command_can_be_given_again(rig: Rig, call: str) -> None:
    rig.world.fail(call, ConflictError("an update is in progress"))
    with pytest.raises(ConflictError):
        run(rig)
    assert run(rig).version.number == "4"


# -- what does not become usable -----------------------------------------------------------------------------------


def test_a_version_that_failed_ends_the_wait_at_once_with_its_reason(rig: Rig) -> None:
    rig.world.version_ends = replace(
        version("new"), state="Failed", state_reason_code="InvalidSubnet", state_reason="The subnet is gone."
    )
    with pytest.raises(VersionFailedError) as caught:
        run(rig)
    assert caught.value.message == "version 4 of orders is Failed: InvalidSubnet The subnet is gone."
    assert "the alias was not touched" in caught.value.hint
    assert caught.value.exit_code is ExitCode.BLOCKED
    assert sum(rig.world.clock.slept, timedelta()) < timedelta(seconds=10)
    assert failure(rig).code == "version-failed"


def test_a_version_that_stays_pending_is_not_waited_for_for_ever(rig: Rig) -> None:
    rig.world.version_takes = 1e6
    with pytest.raises(VersionFailedError, match=r"version 4 of orders is still Pending after 15m$") as caught:
        run(rig)
    assert sum(rig.world.clock.slept, timedelta()) <= timedelta(minutes=16)
    assert "Run the same command again" in caught.value.hint
    rig.world.activate("4")
    assert run(rig).version.number == "4"


def test_an_update_that_never_settles_is_not_waited_for_for_ever(rig: Rig) -> None:
    rig.world.update_takes = 1e6
    with pytest.raises(VersionFailedError, match=r"the update of orders is still InProgress after 15m$"):
        run(rig)
    assert "publish_version" not in rig.world.calls


FAILED_UPDATE = replace(
    version("$LATEST"), update="Failed", update_reason_code="ImageAccessDenied", update_reason="No access."
)


def test_an_update_that_failed_is_not_published(rig: Rig) -> None:
    rig.world.update_ends = FAILED_UPDATE
    with pytest.raises(VersionFailedError, match=r"the last update of orders failed: ImageAccessDenied No access\.$"):
        run(rig)
    assert "publish_version" not in rig.world.calls


def test_a_failed_function_is_not_published(rig: Rig) -> None:
    already_there(rig)
    rig.world.latest = replace(rig.world.latest, state="Failed", state_reason_code="InternalError")
    with pytest.raises(VersionFailedError, match=r"failed: InternalError$"):
        run(rig)
    assert writes_of(rig) == []


def test_a_failed_update_of_before_does_not_prevent_uploading_the_fix(rig: Rig) -> None:
    rig.world.latest = replace(FAILED_UPDATE, code_sha256="broken")
    assert run(rig).version.number == "4"


def test_the_failed_code_itself_is_not_published_again(rig: Rig) -> None:
    rig.world.latest = replace(FAILED_UPDATE, code_sha256=sha256_of(BUILD))
    with pytest.raises(VersionFailedError):
        run(rig)
    assert writes_of(rig) == []


# -- what is left behind -------------------------------------------------------------------------------------------


def test_every_write_carries_the_hash_and_the_revision(rig: Rig) -> None:
    """The simulated AWS refuses any other value, none included: this shows that it does."""
    run(rig)
    with pytest.raises(FunctionChangedError):
        rig.world.update_code("orders", BUILD, "")
    for sha, revision in (("", rig.world.latest.revision), (rig.world.latest.code_sha256, "")):
        with pytest.raises(FunctionChangedError):
            rig.world.publish_version("orders", sha, revision, "")


def test_the_journal_tells_what_was_published(rig: Rig) -> None:
    run(rig, reason="new tax")
    started, ended = (entry.event for entry in journal(rig).read().entries)
    assert started == PublishStarted("zip of 29 bytes", sha256_of(BUILD), "new tax")
    assert ended == Published("4", sha256_of(BUILD), new=True, description="commit 3f2a91c by oncall/ada - new tax")
    assert len({entry.release for entry in journal(rig).entries}) == 1


def test_no_payload_and_no_secret_gets_into_the_journal(rig: Rig) -> None:
    run(rig)
    rig.world.version_ends = replace(version("new"), state="Failed")
    with pytest.raises(VersionFailedError):
        run(rig, Code(zip=b"build 5: SECRET_TOKEN=hunter2"))
    text = repr([to_record(entry) for entry in journal(rig).entries])
    assert "hunter2" not in text
    assert "build 5" not in text


def test_the_start_is_journaled_before_the_first_write_and_the_end_after_the_last(rig: Rig) -> None:
    order: list[tuple[str, list[str]]] = []

    def note(notice: Notice) -> None:
        order.append((type(getattr(notice, "event", notice)).__name__, writes_of(rig)))

    rig.on_notice = note
    run(rig)
    assert [pair for pair in order if pair[0] != "Progress"] == [
        ("PublishStarted", []),
        ("Published", ["update_code", "publish_version"]),
    ]


def test_a_journal_that_cannot_be_written_stops_before_the_first_write(rig: Rig) -> None:
    journal(rig).broken = "no space left on device"
    with pytest.raises(JournalUnwritableError):
        run(rig)
    journal(rig).broken, journal(rig).tampered = "", True
    with pytest.raises(JournalTamperedError):
        run(rig)
    assert writes_of(rig) == []


def test_a_journal_that_breaks_in_the_middle_does_not_hide_what_failed(rig: Rig) -> None:
    rig.world.fail("update_code", ThrottledError("slow down"))
    rig.world.before_call("update_code", lambda: setattr(journal(rig), "broken", "no space left on device"))
    with pytest.raises(ThrottledError):
        run(rig)
    assert any(isinstance(n, Warned) and n.message.startswith("NOT JOURNALED") for n in rig.notices)


@pytest.mark.parametrize("call", ["get_version", "caller", "list_versions", "update_code", "publish_version"])
def test_what_aws_denies_is_told_as_it_is(rig: Rig, call: str) -> None:
    rig.world.fail(call, AccessDeniedError(f"not allowed to {call}"), times=9)
    with pytest.raises(AccessDeniedError, match=call):
        run(rig)
    assert max(rig.world.versions) == "3"


def test_a_function_that_does_not_exist_leaves_no_journal(rig: Rig) -> None:
    with pytest.raises(NotFoundError):
        publish(rig.ports, "nosuch", BUILD)
    assert rig.journals.journals == {}


ADA = Actor("arn:aws:sts::111122223333:assumed-role/oncall/ada", "laptop")
ROOT = Actor("arn:aws:iam::111122223333:root", "laptop")


@pytest.mark.parametrize(
    ("commit", "actor", "reason", "text"),
    [
        ("3f2a91c", ADA, "new tax", "commit 3f2a91c by oncall/ada - new tax"),
        ("", ADA, "", "by oncall/ada"),
        ("3f2a91c", ROOT, "", "commit 3f2a91c by arn:aws:iam::111122223333:root"),
        ("3f2a91c", ADA, "x" * 500, "commit 3f2a91c by oncall/ada - " + "x" * 225),
    ],
)
def test_the_description_says_commit_who_and_why_in_256_characters(
    commit: str, actor: Actor, reason: str, text: str
) -> None:
    assert description_of(commit, actor, reason) == text
    assert len(text) <= 256


def test_a_long_reason_is_kept_whole_in_the_journal(rig: Rig) -> None:
    run(rig, reason="x" * 500)
    assert len(rig.world.versions["4"].description) == 256
    started = journal(rig).entries[0].event
    assert isinstance(started, PublishStarted)
    assert started.reason == "x" * 500


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (Code(zip=b"1234"), "zip of 4 bytes"),
        (Code(zip=b""), "zip of 0 bytes"),
        (Code(s3=("bucket", "a/b.zip", None)), "s3://bucket/a/b.zip"),
        (Code(s3=("bucket", "a/b.zip", "v7")), "s3://bucket/a/b.zip@v7"),
        (Code(image="repo:7"), "repo:7"),
        (Code(), "what is there ($LATEST)"),
    ],
)
def test_a_source_in_a_few_words(code: Code, text: str) -> None:
    assert describe_source(code) == text


def test_the_hash_of_a_zip_is_lambdas() -> None:
    # Lambda's CodeSha256 of an empty file: base64 of the digest, not hex.
    assert sha256_of(Code(zip=b"")) == "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    assert sha256_of(Code(image="repo:7")) == ""
