"""The faults that are injected, the calls of a release and a rollback that they are injected into, and all cases."""

from __future__ import annotations

import enum
import itertools
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from tests.wire.proxy import ANY, FOR_EVER, PASSED, Answer

# -- what is injected ----------------------------------------------------------------------------------------------

SILENCE = 1.2
"""The read timeout in seconds of a client that meets a slow answer; the product's is 5, and a busy machine is slow."""
HOURS = timedelta(hours=3)


@dataclass(frozen=True)
class Fault:
    """One way for a call to go wrong; ``slow`` ones need real time."""

    name: str
    answer: Answer
    slow: bool = False

    def on(self, call: Call, times: int) -> Answer:
        return replace(self.answer, spare=call.nth - 1, times=times)


def _signed_too_early() -> str:
    now = datetime.now(UTC)
    ours, theirs, least = (f"{at:%Y%m%dT%H%M%SZ}" for at in (now, now + HOURS, now + HOURS - timedelta(minutes=5)))
    return f"Signature expired: {ours} is now earlier than {least} ({theirs} - 5 min.)"


THROTTLED = Fault("throttled", Answer(429, "TooManyRequestsException", "Rate exceeded"))
BROKEN = Fault("500", Answer(500, "ServiceException", "An error occurred and the request cannot be processed."))
BUSY = Fault("503", Answer(503, "ServiceUnavailable", "Service is unable to handle request."))
RESET = Fault("reset before", Answer(0, ""))
LOST = Fault("reset after", Answer(0, "", after=True))
SILENT = Fault("timeout", Answer(PASSED, "", delay=SILENCE * 2), slow=True)
SLOW = Fault("slow", Answer(PASSED, "", delay=SILENCE / 2), slow=True)
CUT = Fault("cut off", Answer(PASSED, "", cut=True))
SKEWED = Fault("clock skew", Answer(403, "InvalidSignatureException", _signed_too_early(), skew=HOURS))
EXPIRED = Fault(
    "expired", Answer(403, "ExpiredTokenException", "The security token included in the request is expired")
)
UNKNOWN = Fault(
    "unknown key", Answer(403, "UnrecognizedClientException", "The security token included in the request is invalid.")
)
DENIED = Fault("denied", Answer(403, "AccessDeniedException", "User is not authorized to perform this"))
FOREIGN = Fault("foreign page", Answer(200, ""))

PASSING = (THROTTLED, BROKEN, BUSY, RESET, LOST, SILENT, SLOW, CUT)
"""What botocore tries again, or need not."""
SIGNING = (SKEWED, EXPIRED, UNKNOWN)
STRANDING = (RESET, LOST, SILENT, CUT)
"""What leaves a publication at every place where it may be left."""
FAULTS = (*PASSING, *SIGNING, DENIED, FOREIGN)


# -- where it is injected ------------------------------------------------------------------------------------------


class Phase(enum.Enum):
    """How far the command has come when it makes a call."""

    OPTIONAL = "it can do without"
    BEFORE = "nothing was begun"
    READY = "begun, nothing written"
    FIRST_WRITE = "the first write"
    BAKING = "traffic is split"
    LATER_WRITE = "a write while traffic is split"
    GOING_BACK = "the write that takes traffic back"
    PROOF = "the read that proves it"


@dataclass(frozen=True)
class Call:
    """The ``nth`` request of an operation in a scene, counted from the answer to ``since`` if that is given.

    ``where`` is what the alias is on until then.
    """

    scene: str
    operation: str
    nth: int
    what: str
    phase: Phase
    where: str = "stable"
    since: str = ""

    @property
    def writes(self) -> bool:
        return self.operation in ("UpdateAlias", "UpdateFunctionCode", "PublishVersion")

    def __str__(self) -> str:
        return f"{self.scene}: {'everything' if self.operation == ANY else self.operation}, {self.what}"


RELEASE, ZIP, ROLLBACK, REVERT = "release", "release --zip", "rollback", "automatic rollback"
JUDGED = "release that is judged"
CALLS = (
    Call(RELEASE, "GetAlias", 1, "first look", Phase.BEFORE),
    Call(RELEASE, "DescribeAlarms", 1, "preflight", Phase.BEFORE),
    Call(RELEASE, "GetProvisionedConcurrencyConfig", 1, "preflight", Phase.OPTIONAL),
    Call(RELEASE, "GetFunction", 1, "stable", Phase.BEFORE),
    Call(RELEASE, "GetFunction", 2, "candidate", Phase.BEFORE),
    Call(RELEASE, "ListEventSourceMappings", 1, "preflight", Phase.OPTIONAL),
    Call(RELEASE, "GetPolicy", 1, "preflight", Phase.OPTIONAL),
    Call(RELEASE, "GetCallerIdentity", 1, "actor", Phase.BEFORE),
    Call(RELEASE, "GetAlias", 2, "before the first write", Phase.READY),
    Call(RELEASE, "DescribeAlarms", 2, "before the first write", Phase.READY),
    Call(RELEASE, "UpdateAlias", 1, "first stage", Phase.FIRST_WRITE),
    Call(RELEASE, "GetAlias", 3, "baking", Phase.BAKING, "10 %"),
    Call(RELEASE, "DescribeAlarms", 3, "baking", Phase.BAKING, "10 %"),
    Call(RELEASE, "UpdateAlias", 2, "second stage", Phase.LATER_WRITE, "10 %"),
    Call(RELEASE, "UpdateAlias", 3, "promotion", Phase.LATER_WRITE, "50 %"),
    Call(RELEASE, "GetAlias", 7, "baking at 100 %", Phase.BAKING, "candidate"),
    Call(ZIP, "GetFunction", 2, "what is unpublished", Phase.BEFORE),
    Call(ZIP, "GetCallerIdentity", 1, "actor", Phase.BEFORE),
    Call(ZIP, "ListVersionsByFunction", 1, "what is there", Phase.BEFORE),
    Call(ZIP, "UpdateFunctionCode", 1, "upload", Phase.BEFORE),
    Call(ZIP, "GetFunction", 1, "settling", Phase.BEFORE, since="UpdateFunctionCode"),
    Call(ZIP, "PublishVersion", 1, "publish", Phase.BEFORE),
    Call(ZIP, "GetFunction", 1, "the new version", Phase.BEFORE, since="PublishVersion"),
    Call(ZIP, "GetAlias", 1, "look again", Phase.BEFORE, since="PublishVersion"),
    Call(ROLLBACK, "GetAlias", 1, "first look", Phase.BEFORE, "50 %"),
    Call(ROLLBACK, "UpdateAlias", 1, "going back", Phase.GOING_BACK, "50 %"),
    Call(ROLLBACK, "GetAlias", 2, "proof", Phase.PROOF),
    Call(ROLLBACK, "GetCallerIdentity", 1, "actor", Phase.OPTIONAL),
    Call(REVERT, "UpdateAlias", 2, "going back", Phase.GOING_BACK, "10 %"),
    Call(REVERT, "GetAlias", 4, "proof", Phase.PROOF),
    Call(JUDGED, "GetMetricData", 1, "what is usual", Phase.OPTIONAL),
    Call(JUDGED, "GetMetricData", 2, "before the first write", Phase.READY),
    Call(JUDGED, "GetMetricData", 3, "baking", Phase.BAKING, "10 %"),
)
# A release that meets nothing makes 25 requests: ten before the first write, and five for each stage.
_SPANS = (
    (range(1, 9), Phase.BEFORE, "stable"),
    (range(9, 11), Phase.READY, "stable"),
    (range(11, 12), Phase.FIRST_WRITE, "stable"),
    (range(12, 17), Phase.BAKING, "10 %"),
    (range(17, 22), Phase.BAKING, "50 %"),
    (range(22, 26), Phase.BAKING, "candidate"),
)
EVERY_REQUEST = tuple(
    Call(RELEASE, ANY, nth, f"from request {nth} on", phase, where) for span, phase, where in _SPANS for nth in span
)


@dataclass(frozen=True)
class Case:
    """One run: ``times`` requests meet the fault, from ``call`` on."""

    call: Call
    fault: Fault
    times: int

    @property
    def lasting(self) -> bool:
        return self.times == FOR_EVER

    def __str__(self) -> str:
        return f"{self.call}; {self.fault.name} {'lasting' if self.lasting else f'{self.times}x'}"


def _worth_running(case: Case) -> bool:
    if case.fault is LOST and not case.call.writes:
        return False  # to a read, it makes no difference when the connection is reset
    if case.fault is SILENT and case.lasting:
        # Slow by nature: a lasting reset is the same to the command, and comes at once.
        return case.call.writes or case.call.phase is Phase.BEFORE
    return not (case.fault is SLOW and case.lasting)


def cases() -> list[Case]:
    """Every fault on every call, once and lasting; and all calls failing together from any request on."""
    single = (Case(*each) for each in itertools.product(CALLS, FAULTS, (1, FOR_EVER)))
    expired = (Case(call, EXPIRED, times) for call in EVERY_REQUEST for times in (2, FOR_EVER))
    cut_off = (Case(call, RESET, times) for call in EVERY_REQUEST[::4] for times in (2, FOR_EVER))
    return [case for case in (*single, *expired, *cut_off) if _worth_running(case)]


def sample() -> list[Case]:
    """Those that every change runs into: a third of the faults on writes, a seventh of those on reads."""
    return [case for number, case in enumerate(cases()) if number % (3 if case.call.writes else 7) == 0]
