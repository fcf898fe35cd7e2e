"""The nouns: target, version, routing, alarm reading, finding.

Weights are integer basis points (10 000 = 100 %); floats exist only in the AWS gateway. All are frozen values.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lambdaops.core.errors import InvalidTargetError, InvalidVersionError, WrongAccountError

FULL = 10_000
"""100 % in basis points."""

LATEST = "$LATEST"

# "The name must contain only UTF-8 characters, and can't contain ASCII control characters", 1-255 characters:
# CloudWatch API reference, PutMetricAlarm, AlarmName.
ALARM_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,255}")
_FUNCTION = re.compile(r"[a-zA-Z0-9_-]{1,64}")
# "(?!^[0-9]+$)([a-zA-Z0-9-_]+)", 1-128 characters: Lambda API reference, CreateAlias, Name.
_ALIAS = re.compile(r"(?![0-9]+$)[a-zA-Z0-9_-]{1,128}")
_ALIAS_ARN = re.compile(
    r"arn:aws[a-z-]*:lambda:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{12}):function:(?P<function>[^:]+):(?P<alias>[^:]+)"
)


@dataclass(frozen=True, slots=True)
class Target:
    """What a release moves: one alias of one function; region and account are set when it was given as an ARN."""

    function: str
    alias: str
    region: str | None = None
    account: str | None = None
    environment: str = field(default="", compare=False)
    """The environment of the configuration that it was aimed through, for the next command to name it too."""

    def __str__(self) -> str:
        return f"{self.function}:{self.alias}"

    @property
    def again(self) -> str:
        """What another command is given to act in the same place."""
        return f"{self} --env {self.environment}" if self.environment else str(self)

    @classmethod
    def parse(cls, text: str) -> Target:
        """Read ``FUNCTION:ALIAS`` or an alias ARN.

        Raises:
            InvalidTargetError: with what is wrong and an example of what is right.
        """
        found = _ALIAS_ARN.fullmatch(text)
        if found:
            target = cls(found["function"], found["alias"], found["region"], found["account"])
        elif text.startswith("arn:"):
            raise InvalidTargetError(
                f"{text!r} is not an alias ARN",
                hint="An alias ARN reads arn:aws:lambda:REGION:ACCOUNT:function:FUNCTION:ALIAS.",
            )
        else:
            function, colon, alias = text.partition(":")
            if not colon or not alias:
                raise InvalidTargetError(
                    f"{text!r} names no alias: a release moves an alias, not a function",
                    hint=f"Write FUNCTION:ALIAS, for instance {function or 'orders'}:live.",
                )
            target = cls(function, alias)
        return target._checked(text)

    def _checked(self, text: str) -> Target:
        if not _FUNCTION.fullmatch(self.function):
            raise InvalidTargetError(
                f"{self.function!r} in {text!r} cannot be a function name",
                hint="Function names have 1-64 letters, digits, hyphens and underscores.",
            )
        if self.alias == LATEST:
            raise InvalidTargetError(
                f"{text!r} names $LATEST, which is not an alias and always runs unpublished code",
                hint="Create an alias, point callers at it, and release that.",
            )
        if self.alias.isdigit():
            raise InvalidTargetError(
                f"{text!r} names version {self.alias}, not an alias: a published version never changes",
                hint=f"Name the alias, for instance {self.function}:live, and pass --to {self.alias}.",
            )
        if not _ALIAS.fullmatch(self.alias):
            raise InvalidTargetError(
                f"{self.alias!r} in {text!r} cannot be an alias name",
                hint="Alias names have 1-128 letters, digits, hyphens and underscores, not only digits.",
            )
        return self


def parse_function(text: str) -> str:
    """Check a function name.

    Raises:
        InvalidTargetError: the text is not the bare name of a function.
    """
    if not _FUNCTION.fullmatch(text):
        raise InvalidTargetError(
            f"{text!r} is not a function name",
            hint="Give the name alone, for instance orders, without alias or ARN.",
        )
    return text


def parse_version(text: str) -> str:
    """Check the number of a published version.

    Raises:
        InvalidVersionError: ``$LATEST``, an alias, or anything else that is not a positive whole number.
    """
    if text == LATEST:
        raise InvalidVersionError(
            "$LATEST cannot be released: its code can change under the alias",
            hint="Publish it first: lambdaops publish FUNCTION --zip FILE.",
        )
    if not re.fullmatch(r"[1-9][0-9]{0,9}", text):
        raise InvalidVersionError(
            f"{text!r} is not the number of a published version",
            hint="Versions are whole numbers: lambdaops versions TARGET lists them.",
        )
    return text


@dataclass(frozen=True, slots=True)
class VersionNumber:
    """The number of a published version, checked where it is made: never empty, ``$LATEST``, or an alias.

    A deletion takes this type and no text: DeleteFunction without a version deletes the whole function.
    """

    number: str

    def __post_init__(self) -> None:
        parse_version(self.number)

    def __str__(self) -> str:
        return self.number


def percent(weight: int) -> str:
    """A weight in basis points as people read it: ``10 %``, ``2.5 %``."""
    return f"{weight / 100:g} %"


@dataclass(frozen=True, slots=True)
class Routing:
    """What an alias points at; ``weight`` is the share of ``additional`` in basis points."""

    primary: str
    additional: str | None = None
    weight: int = 0

    def __str__(self) -> str:
        if self.additional is None:
            return self.primary
        return f"{self.primary} {percent(FULL - self.weight)} + {self.additional} {percent(self.weight)}"

    @property
    def versions(self) -> frozenset[str]:
        """The one or two versions it sends traffic to."""
        return frozenset({self.primary} if self.additional is None else {self.primary, self.additional})

    def share(self, version: str) -> int:
        """The basis points of traffic this routing sends to ``version``."""
        if version == self.additional:
            return self.weight
        return FULL - self.weight if version == self.primary else 0


@dataclass(frozen=True, slots=True)
class Alias:
    """An alias as AWS reported it; ``revision`` is the RevisionId a write must carry.

    ``request_id`` is that of the write this is the answer to; it says nothing of the alias.
    """

    arn: str
    routing: Routing
    revision: str
    description: str = ""
    request_id: str = field(default="", compare=False)


def require_account(target: Target, alias: Alias) -> None:
    """Check that the alias that was read is the one that was meant.

    Raises:
        WrongAccountError: the target is pinned, by its ARN or by an environment, to another account or region.
    """
    region, account = alias.arn.split(":")[3:5]
    if target.account is not None and target.account != account:
        raise WrongAccountError(
            f"{target} in account {target.account} was asked for, the credentials are for account {account}",
            hint=f"Use credentials of account {target.account}, for instance with --profile.",
            target=str(target),
        )
    if target.region is not None and target.region != region:
        raise WrongAccountError(
            f"{target} in {target.region} was asked for, and the endpoint answers for {region}",
            hint=f"Use the endpoint of {target.region}.",
            target=str(target),
        )


@dataclass(frozen=True, slots=True)
class Version:
    """A function's configuration at a qualifier, as far as a release cares.

    ``state`` is Lambda's State (Pending, Active, Inactive, Failed ...); ``update`` its LastUpdateStatus; ``arn`` is the
    function's ARN without a qualifier; ``log_group`` where it logs, empty where AWS does not say; ``timeout`` how long
    an invocation may take.
    """

    number: str
    state: str
    code_sha256: str
    role: str
    revision: str = ""
    config_sha256: str = ""
    state_reason: str = ""
    state_reason_code: str = ""
    update: str = "Successful"
    update_reason: str = ""
    update_reason_code: str = ""
    dead_letter: str = ""
    description: str = ""
    modified: str = ""
    package: str = "Zip"
    snap_start: bool = False
    arn: str = ""
    log_group: str = ""
    timeout: timedelta = timedelta()


class AlarmState(enum.Enum):
    """CloudWatch's StateValue."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class AlarmKind(enum.Enum):
    """Which of DescribeAlarms' lists an alarm came in."""

    METRIC = "metric"
    COMPOSITE = "composite"
    LOG = "log"


@dataclass(frozen=True, slots=True)
class AlarmReading:
    """One look at one alarm.

    ``changed_at`` is StateTransitionedTimestamp, or StateUpdatedTimestamp where the former is absent. ``evaluation`` is
    CloudWatch's EvaluationState, empty while it can evaluate the alarm: otherwise ``state`` is one of the past.
    """

    name: str
    kind: AlarmKind
    state: AlarmState
    changed_at: datetime | None = None
    evaluation: str = ""


class Level(enum.Enum):
    """How much a preflight finding matters."""

    OK = "ok"
    WARN = "warn"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of preflight; ``check`` is a stable slug."""

    level: Level
    check: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: the STS ARN, the host, the CI run and its commit if there is one, and the tool with its version.

    Records from before ``commit`` and ``tool`` were kept read as empty ones.
    """

    arn: str
    host: str
    run: str = ""
    commit: str = ""
    tool: str = ""


@dataclass(frozen=True, slots=True)
class EventSource:
    """An event source mapping: what it reads and which qualifier of the function it invokes (empty: $LATEST)."""

    source: str
    qualifier: str
    enabled: bool


@dataclass(frozen=True, slots=True)
class Permission:
    """A resource policy statement that lets somebody invoke a qualifier of the function (empty: unqualified)."""

    principal: str
    qualifier: str
    sid: str = ""


@dataclass(frozen=True, slots=True)
class Provisioned:
    """Provisioned concurrency of a qualifier: ``status`` is IN_PROGRESS, READY or FAILED."""

    status: str
    requested: int
    available: int
    reason: str = ""
