"""Every error lambdaops raises: a stable slug, an exit code, what happened, and the next step.

Exit codes and slugs are an API: pipelines branch on them. A class is added here or nowhere, its slug is unique,
and its text reads ``what happened: why``; the next step is the hint.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from lambdaops.core.model import Finding


class ExitCode(enum.IntEnum):
    """What a finished command says to the shell."""

    DONE = 0
    INTERNAL = 1
    USAGE = 2
    BLOCKED = 3
    ROLLED_BACK = 4
    ROLLBACK_INCOMPLETE = 5
    HELD = 6
    CONFLICT = 7
    AWS = 8
    PARTIAL = 9
    INTERRUPTED = 130


EXIT_MEANINGS: dict[ExitCode, str] = {
    ExitCode.DONE: "done",
    ExitCode.INTERNAL: "internal error",
    ExitCode.USAGE: "usage or invalid file",
    ExitCode.BLOCKED: "blocked, nothing changed",
    ExitCode.ROLLED_BACK: "gate failed, rolled back, traffic is safe",
    ExitCode.ROLLBACK_INCOMPLETE: "rollback did not complete, act now",
    ExitCode.HELD: "held, waits for a person",
    ExitCode.CONFLICT: "drift or conflict, somebody else changed the alias",
    ExitCode.AWS: "AWS denied or unreachable",
    ExitCode.PARTIAL: "partly done (redrive or playbook)",
    ExitCode.INTERRUPTED: "interrupted, state saved",
}


class LambdaOpsError(Exception):
    """Base of everything raised on purpose.

    Attributes:
        code: stable slug, part of the JSON output.
        exit_code: what the process ends with when this error reaches the user.
        message: what happened and why, one line.
        hint: the next step, one line; may be empty.
        request_id: the AWS request id, when AWS answered.
    """

    code: ClassVar[str] = "internal"
    exit_code: ClassVar[ExitCode] = ExitCode.INTERNAL

    def __init__(self, message: str, *, hint: str = "", target: str = "", request_id: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.target = target
        self.request_id = request_id


# -- the caller's mistakes: exit 2 ------------------------------------------------------------------------------


class UsageError(LambdaOpsError):
    """An argument that cannot be understood."""

    code = "usage"
    exit_code = ExitCode.USAGE


class InvalidTargetError(UsageError):
    """TARGET is not ``FUNCTION:ALIAS`` or an alias ARN."""

    code = "invalid-target"


class InvalidVersionError(UsageError):
    """A version that is not the number of a published version."""

    code = "invalid-version"


class InvalidDurationError(UsageError):
    """A duration that is not like ``45s``, ``5m`` or ``1h30m``."""

    code = "invalid-duration"


class UnknownStrategyError(UsageError):
    """No strategy has this name."""

    code = "unknown-strategy"


class InvalidStagesError(UsageError):
    """Stages whose weights do not rise to 100 %."""

    code = "invalid-stages"


class InvalidComparisonError(UsageError):
    """A comparison of the two versions that cannot be made, or a number of it that cannot be."""

    code = "invalid-comparison"


class InvalidMetricError(UsageError):
    """A metric with a threshold that cannot be read, or one that nobody could."""

    code = "invalid-metric"


class InvalidQueueError(UsageError):
    """Not a queue's name, URL or ARN."""

    code = "invalid-queue"


class InvalidExpressionError(UsageError):
    """A filter or a transformation that cannot be evaluated."""

    code = "invalid-expression"


class NothingGivenError(InvalidExpressionError):
    """An expression that gives null where something is needed."""

    code = "nothing-given"


@dataclass(frozen=True, slots=True)
class FileMistake:
    """One thing that is wrong in a file, and where; line and column begin at 1."""

    path: str
    line: int
    column: int
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}: {self.message}"


class InvalidFileError(UsageError):
    """A file that is missing, unreadable, or not what it should be; where its mistakes are known, they are here."""

    code = "invalid-file"

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        target: str = "",
        request_id: str = "",
        mistakes: tuple[FileMistake, ...] = (),
    ) -> None:
        super().__init__(message, hint=hint, target=target, request_id=request_id)
        self.mistakes = mistakes


class InvalidConfigError(InvalidFileError):
    """A configuration file with mistakes; all of them are here."""

    code = "invalid-config"


class InvalidPlaybookError(InvalidFileError):
    """A playbook with mistakes; all of them are here."""

    code = "invalid-playbook"


class JournalTamperedError(InvalidFileError):
    """A journal line that is not what was written; ``intact`` is how many records before it are."""

    code = "journal-tampered"

    def __init__(
        self, message: str, *, hint: str = "", target: str = "", request_id: str = "", intact: int = 0
    ) -> None:
        super().__init__(message, hint=hint, target=target, request_id=request_id)
        self.intact = intact


class JournalIncompleteError(InvalidFileError):
    """A journal whose last line was never finished."""

    code = "journal-incomplete"


class AnchorBrokenError(InvalidFileError):
    """Journals or checkpoints that are not what an earlier checkpoint saw."""

    code = "anchor-broken"


class CheckpointExistsError(InvalidFileError):
    """A checkpoint of this number is there, and is another one."""

    code = "checkpoint-exists"


# -- refused before anything changed: exit 3 --------------------------------------------------------------------


class BlockedError(LambdaOpsError):
    """Preflight found a reason not to begin; nothing changed."""

    code = "blocked"
    exit_code = ExitCode.BLOCKED

    def __init__(self, message: str, *, hint: str = "", target: str = "", findings: tuple[Finding, ...] = ()) -> None:
        super().__init__(message, hint=hint, target=target)
        self.findings = findings


class NotFoundError(LambdaOpsError):
    """The function, alias, version or alarm does not exist here."""

    code = "not-found"
    exit_code = ExitCode.BLOCKED


class WrongAccountError(NotFoundError):
    """The credentials or the region are not those that are meant."""

    code = "wrong-account"


class RollbackTargetUnknownError(LambdaOpsError):
    """Nothing says which version was stable before."""

    code = "rollback-target-unknown"
    exit_code = ExitCode.BLOCKED


class JournalUnwritableError(LambdaOpsError):
    """The journal cannot take a record: without it nothing moves forward."""

    code = "journal-unwritable"
    exit_code = ExitCode.BLOCKED


class CheckpointUnwritableError(LambdaOpsError):
    """The place for checkpoints does not take one."""

    code = "checkpoint-unwritable"
    exit_code = ExitCode.BLOCKED


class VersionFailedError(LambdaOpsError):
    """A published version that will never become Active."""

    code = "version-failed"
    exit_code = ExitCode.BLOCKED


class ConfirmationMissingError(LambdaOpsError):
    """A change nobody confirmed."""

    code = "not-confirmed"
    exit_code = ExitCode.BLOCKED


class SandboxUnavailableError(LambdaOpsError):
    """The sandbox is not installed, not running, or would not start."""

    code = "sandbox-unavailable"
    exit_code = ExitCode.BLOCKED


class DemoFailedError(LambdaOpsError):
    """A step of the demo did not end as it should."""

    code = "demo-failed"
    exit_code = ExitCode.INTERNAL


# -- somebody must act: exits 5 and 7 ---------------------------------------------------------------------------


class RollbackIncompleteError(LambdaOpsError):
    """The rollback's write or its verification did not succeed."""

    code = "rollback-incomplete"
    exit_code = ExitCode.ROLLBACK_INCOMPLETE


class AliasChangedError(LambdaOpsError):
    """Somebody else changed the alias: the RevisionId the write was decided on is stale (AWS answers 412)."""

    code = "alias-changed"
    exit_code = ExitCode.CONFLICT


class FunctionChangedError(LambdaOpsError):
    """The unpublished code or configuration changed between our upload and our publish."""

    code = "function-changed"
    exit_code = ExitCode.CONFLICT


class ReleaseInProgressError(LambdaOpsError):
    """Another live process drives a release of this target."""

    code = "release-in-progress"
    exit_code = ExitCode.CONFLICT


class NothingOpenError(LambdaOpsError):
    """There is no release to steer."""

    code = "no-open-release"
    exit_code = ExitCode.BLOCKED


class NobodyDrivesError(LambdaOpsError):
    """There is a release, but no process that could heed a request."""

    code = "no-driver"
    exit_code = ExitCode.HELD


class UnheededError(LambdaOpsError):
    """A request is in the journal, but the process that drives the release has not taken it up."""

    code = "unheeded"
    exit_code = ExitCode.HELD


class LeftError(LambdaOpsError):
    """Somebody pressed Ctrl-C where nothing waits for it to be heard."""

    code = "interrupted"
    exit_code = ExitCode.INTERRUPTED


class PlanDiffersError(LambdaOpsError):
    """The open release was planned otherwise than it is asked for now."""

    code = "plan-differs"
    exit_code = ExitCode.BLOCKED


class RedriveInProgressError(LambdaOpsError):
    """Another live process, or SQS itself, moves messages out of this queue."""

    code = "redrive-in-progress"
    exit_code = ExitCode.CONFLICT


class PlaybookInProgressError(LambdaOpsError):
    """Another live process drives this run of a playbook."""

    code = "playbook-in-progress"
    exit_code = ExitCode.CONFLICT


class PlaybookEditedError(LambdaOpsError):
    """The playbook, or what it was planned to do, is not what was meant any more."""

    code = "playbook-edited"
    exit_code = ExitCode.BLOCKED


class PlaybookHeldError(LambdaOpsError):
    """A run of a playbook stopped where it is: a step failed, an alarm, no approval."""

    code = "playbook-held"
    exit_code = ExitCode.HELD


class LimitReachedError(LambdaOpsError):
    """A playbook would reach further than its limits let it."""

    code = "limit-reached"
    exit_code = ExitCode.BLOCKED


class StepRefusedError(LambdaOpsError):
    """What a step is given cannot be understood."""

    code = "step-refused"
    exit_code = ExitCode.USAGE


class FunctionBusyError(LambdaOpsError):
    """Another live process deletes versions of this function, or halts or starts it."""

    code = "function-busy"
    exit_code = ExitCode.CONFLICT


class RedriveHeldError(LambdaOpsError):
    """A redrive stopped where it is: an alarm, too many messages that came back, or a person."""

    code = "redrive-held"
    exit_code = ExitCode.HELD


class UnhaltHeldError(LambdaOpsError):
    """An alarm objected while a function was started again: what had been started is stopped again."""

    code = "unhalt-held"
    exit_code = ExitCode.HELD


class HaltDriftError(LambdaOpsError):
    """Somebody changed what a halt had stopped, or halted the function again while it was started."""

    code = "halt-drift"
    exit_code = ExitCode.CONFLICT


class PartlyDoneError(LambdaOpsError):
    """Not everything that was asked for was done; what was not is where it was."""

    code = "partly-done"
    exit_code = ExitCode.PARTIAL


# -- AWS said no, or nothing: exit 8 ----------------------------------------------------------------------------


class AwsError(LambdaOpsError):
    """AWS refused or failed a call.

    ``ambiguous`` is true when the call may have taken effect all the same (a timeout, a reset, a 5xx): only a new
    read of the world tells. ``locked_out`` is true when no other call with these credentials can succeed either.
    """

    code = "aws-error"
    exit_code = ExitCode.AWS
    ambiguous: ClassVar[bool] = False
    permanent: ClassVar[bool] = False
    locked_out: ClassVar[bool] = False


class AccessDeniedError(AwsError):
    """The caller lacks a permission."""

    code = "access-denied"
    permanent = True


class CredentialsMissingError(AwsError):
    """No credentials were found."""

    code = "no-credentials"
    permanent = True
    locked_out = True


class CredentialsExpiredError(AwsError):
    """The session token is no longer valid."""

    code = "credentials-expired"
    permanent = True
    locked_out = True


class CredentialsInvalidError(AwsError):
    """AWS does not know these credentials."""

    code = "credentials-invalid"
    permanent = True
    locked_out = True


class RegionMissingError(AwsError):
    """No region was given."""

    code = "no-region"
    permanent = True


class ThrottledError(AwsError):
    """AWS still refused for rate after every retry."""

    code = "throttled"


class UnreachableError(AwsError):
    """No usable answer: connection, timeout or TLS trouble."""

    code = "unreachable"
    ambiguous = True


class AwsFaultError(AwsError):
    """AWS failed on its side (5xx)."""

    code = "aws-fault"
    ambiguous = True


class ConflictError(AwsError):
    """The resource is busy with another change (409); waiting helps."""

    code = "resource-busy"


class QueueFullError(AwsError):
    """Too many messages of the queue are in flight; some must be deleted or become visible first."""

    code = "queue-full"


class RejectedError(AwsError):
    """AWS understood and refused the request."""

    code = "rejected"
    permanent = True


# -- a team's journals, or a channel of notify: exit 8 ---------------------------------------------------------------


class JournalUnreachableError(LambdaOpsError):
    """The team's journals cannot be read; whether anything is wrong with them is not known."""

    code = "journal-unreachable"
    exit_code = ExitCode.AWS


UNREADABLE_JOURNAL = (InvalidFileError, JournalUnreachableError)
"""What a journal that cannot be used raises when it is read: damaged, another version's, no permission, no answer."""


class NotToldError(LambdaOpsError):
    """A channel could not be told; never raised out of a release or a rollback."""

    code = "not-told"
    exit_code = ExitCode.AWS
