"""The texts a configuration is made of, each with its check: durations, strategies, alarms, times, accounts.

A check raises pydantic's own error, whose text is what people read; the next step follows in its context.
"""

from __future__ import annotations

import difflib
import re
import string
import zoneinfo
from datetime import datetime, time
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from lambdaops.core.comparison import parse_alpha, parse_comparisons, parse_period, parse_tolerance
from lambdaops.core.duration import parse_duration
from lambdaops.core.errors import LambdaOpsError
from lambdaops.core.freeze import DAYS, WeekTime
from lambdaops.core.model import ALARM_NAME, Target, parse_function
from lambdaops.core.plan import STRATEGIES, resolve_strategy
from lambdaops.core.stores import PATTERN

OWN = "lambdaops"
"""The type of our own errors, by which they are known from pydantic's."""

NOTHING = ("nothing is said here", "Give it a value, or leave the key out.")
"""What is wrong with a key that has nothing behind it, and the next step."""

_ACCOUNT = re.compile(r"[0-9]{12}")
_REGION = r"[a-z]{2,5}(-[a-z]+)+-[0-9]{1,2}"
_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"
_STRATEGY_NAME = r"[A-Za-z][A-Za-z0-9_-]{0,63}"
_TOPIC = r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}"
_BUS = r"[A-Za-z0-9/._-]{1,256}|arn:aws[a-z-]*:events:[a-z0-9-]+:[0-9]{12}:event-bus/[A-Za-z0-9/._-]{1,256}"
_VARIABLE = r"[A-Za-z_][A-Za-z0-9_]*"
_NUMBER = r"^[0-9]{1,9}(\.[0-9]{1,6})?$"
_DURATION = r"([0-9]{1,9}d)?([0-9]{1,9}h)?([0-9]{1,9}m)?([0-9]{1,9}s)?"
_WEEK_TIME = re.compile(r"([A-Za-z]+) ([0-9]{1,2}):([0-9]{2})")
_LOCAL_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?")
_PLACEHOLDERS = ("function", "alias", "environment")


def mistake(message: str, hint: str = "") -> PydanticCustomError:
    """An error of ours, for pydantic to collect."""
    return PydanticCustomError(OWN, "{message}", {"message": message, "hint": hint})


def nearest(word: str, known: object) -> str:
    """A hint with the known word that was probably meant; empty if none is near."""
    names = {str(name).lower(): str(name) for name in (known if isinstance(known, (list, tuple, set, dict)) else ())}
    near = difflib.get_close_matches(word.lower(), names, n=1, cutoff=0.6)
    return f"Did you mean {names[near[0]]}?" if near else ""


# -- checks ------------------------------------------------------------------------------------------------------------


def ours(error: LambdaOpsError) -> PydanticCustomError:
    """An error of the core, for pydantic to collect."""
    return mistake(error.message, error.hint)


def _duration(text: str) -> str:
    try:
        parse_duration(text)
    except LambdaOpsError as error:
        raise ours(error) from None
    return text


def _interval(text: str) -> str:
    if not parse_duration(_duration(text)):
        raise mistake(f"{text!r} is no time at all", "Say at least 1s.")
    return text


def _comparisons(text: str) -> str:
    try:
        parse_comparisons(text)
    except LambdaOpsError as error:
        raise ours(error) from None
    return text


def _digits(value: object) -> object:
    """YAML's whole numbers are numbers here, and others are text: see the document."""
    return str(value) if type(value) is int else value


def _tolerance(text: str) -> str:
    try:
        parse_tolerance(text)
    except LambdaOpsError as error:
        raise ours(error) from None
    return text


def _alpha(text: str) -> str:
    try:
        parse_alpha(text)
    except LambdaOpsError as error:
        raise ours(error) from None
    return text


def _period(text: str) -> str:
    try:
        parse_period(text)
    except LambdaOpsError as error:
        raise ours(error) from None
    return text


def _strategy(text: str, info: ValidationInfo) -> str:
    own = (info.context or {}).get("strategies", ())
    if text in own:
        return text
    try:
        resolve_strategy(text)
    except LambdaOpsError as error:
        raise mistake(error.message, nearest(text, (*own, *STRATEGIES)) or error.hint) from None
    return text


def _stages(text: str, info: ValidationInfo) -> str:
    if text in (info.context or {}).get("strategies", ()):
        raise mistake(f"{text!r} is another strategy of this file", "Write out the stages of both.")
    try:
        resolve_strategy(text)
    except LambdaOpsError as error:
        raise ours(error) from None
    return text


def _strategy_name(text: str) -> str:
    if text in STRATEGIES:
        raise mistake(f"{text!r} is a strategy of lambdaops: another meaning would mislead", "Choose another name.")
    if not re.fullmatch(_STRATEGY_NAME, text):
        raise mistake(f"{text!r} cannot be the name of a strategy", "Letters, digits, hyphens and underscores.")
    return text


def _alarm(text: str, info: ValidationInfo) -> str:
    # [x] stands for one character
    if not ALARM_NAME.fullmatch(re.sub(r"\[.\]", "x", text)):
        raise mistake("an alarm's name has 1 to 255 characters, and no control characters")
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError:
        raise mistake(f"{text!r} has a brace without its other half", "Write {function} or {alias}.") from None
    for literal, name, form, conversion in parts:
        if name is None and not set(literal) & set("{}"):
            continue
        if name not in _PLACEHOLDERS or form or conversion:
            known = ", ".join(f"{{{known}}}" for known in _PLACEHOLDERS)
            raise mistake(f"{text!r} has a placeholder that nothing fills in", f"There are {known}.")
        if name == "environment" and not (info.context or {}).get("environments"):
            raise mistake(
                f"{text!r} names the environment, and the file has none", "Add environments, or leave it out."
            )
    if not text.replace("*", "").replace("?", ""):
        raise mistake(f"{text!r} is every alarm of the account", "Begin it with what the names begin with.")
    return text


def _function(text: str) -> str:
    try:
        return parse_function(text)
    except LambdaOpsError as error:
        raise ours(error) from None


def _alias(text: str) -> str:
    try:
        return Target.parse(f"function:{text}").alias
    except LambdaOpsError:
        raise mistake(
            f"{text!r} cannot be the name of an alias",
            "Letters, digits, hyphens and underscores, not only digits: versions and $LATEST are no aliases.",
        ) from None


def _version(value: object) -> object:
    if type(value) is not int or value != 1:
        raise mistake(f"this lambdaops reads version 1 of the format, not {value!r}", "Write version: 1.")
    return value


def _account(value: object) -> object:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if isinstance(text, str) and not _ACCOUNT.fullmatch(text):
        raise mistake(f"{text!r} is not an account id, which has twelve digits", 'Write it in quotes: "111122223333".')
    return text


def matching(pattern: str, what: str, hint: str) -> Any:  # noqa: ANN401 -- a check for pydantic
    """A check that a text matches as a whole; if not, it is not ``what``."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise mistake(f"{text!r} is not {what}", hint)
        return text

    return check


def _variable(text: str) -> str:
    if "://" in text:
        raise mistake(
            "a webhook's URL is a secret and has no place in the file",
            "Put it into an environment variable, and name that.",
        )
    if not re.fullmatch(_VARIABLE, text):
        raise mistake(f"{text!r} is not the name of an environment variable", "Like SLACK_WEBHOOK_URL.")
    return text


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        known = nearest(text, zoneinfo.available_timezones())
        raise mistake(f"{text!r} is not a time zone", known or "Use a name like Europe/Berlin, or UTC.") from None
    return text


def _moment(text: str) -> str:
    parse_moment(text)
    return text


def parse_moment(text: str) -> WeekTime | datetime:
    """A time of the week (``Fri 16:00``) or a local time (``2026-12-20T00:00``).

    Raises:
        PydanticCustomError: it is neither.
    """
    weekly = _WEEK_TIME.fullmatch(text)
    try:
        if weekly:
            days = [day for day, name in enumerate(_LONG_DAYS) if weekly[1].lower() in (name[:3], name)]
            if days:
                return WeekTime(days[0], time(int(weekly[2]), int(weekly[3])))
        elif _LOCAL_TIME.fullmatch(text) and text.startswith("20"):
            return datetime.fromisoformat(text)
    except ValueError:
        pass
    raise mistake(
        f"{text!r} is not a time of the week, nor a local date and time",
        f"Write a day ({', '.join(DAYS)}) and a time, like Fri 16:00, or 2026-12-20T00:00.",
    )


_LONG_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

# -- the texts ---------------------------------------------------------------------------------------------------------


def _schema(pattern: str, *examples: str) -> Any:  # noqa: ANN401 -- pydantic takes it as it is
    shown: dict[str, Any] = {"examples": list(examples)} if examples else {}
    return Field(json_schema_extra={"pattern": f"^(?:{pattern})$", **shown})


Version = Annotated[Literal[1], BeforeValidator(_version)]
Duration = Annotated[str, AfterValidator(_duration), _schema(f"(?=.){_DURATION}", "45s", "5m", "1h30m")]
Interval = Annotated[str, AfterValidator(_interval), _schema(f"(?=.*[1-9]){_DURATION}", "10s")]
Tolerance = Annotated[
    str,
    BeforeValidator(_digits),
    AfterValidator(_tolerance),
    WithJsonSchema({"type": ["number", "string"], "minimum": 1, "maximum": 100, "pattern": _NUMBER}),
]
Alpha = Annotated[
    str,
    BeforeValidator(_digits),
    AfterValidator(_alpha),
    WithJsonSchema({"type": ["number", "string"], "minimum": 0.0001, "maximum": 0.5, "pattern": _NUMBER}),
]
Period = Annotated[str, AfterValidator(_period), _schema(f"(?=.*[1-9]){_DURATION}", "1m")]
Comparisons = Annotated[
    str, AfterValidator(_comparisons), Field(json_schema_extra={"examples": ["errors", "errors,latency:800ms", "none"]})
]
Observed = Annotated[
    str,
    AfterValidator(matching(r"[^,\s][^,]*(,[^,]+)*", "a list of gates", "Names by commas, or all.")),
    Field(json_schema_extra={"examples": ["latency:800ms", "all"]}),
]
Strategy = Annotated[str, AfterValidator(_strategy), Field(json_schema_extra={"examples": list(STRATEGIES)})]
Stages = Annotated[str, AfterValidator(_stages), Field(json_schema_extra={"examples": ["5%:2m,25%:5m,100%:10m"]})]
StrategyName = Annotated[str, AfterValidator(_strategy_name), _schema(_STRATEGY_NAME)]
Alarm = Annotated[str, AfterValidator(_alarm), Field(json_schema_extra={"examples": ["orders-errors", "{function}-*"]})]
FunctionName = Annotated[str, AfterValidator(_function), _schema("[a-zA-Z0-9_-]{1,64}")]
AliasName = Annotated[str, AfterValidator(_alias), _schema("(?![0-9]+$)[a-zA-Z0-9_-]{1,128}", "live")]
EnvironmentName = Annotated[
    str,
    AfterValidator(matching(_NAME, "a name for an environment", "Letters, digits, dots, hyphens and underscores.")),
    _schema(_NAME),
]
AccountId = Annotated[
    str,
    BeforeValidator(_account),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": "^[0-9]{12}$"},
                {"type": "integer", "minimum": 100000000000, "maximum": 999999999999},
            ],
            "examples": ["111122223333"],
        }
    ),
]
Region = Annotated[
    str, AfterValidator(matching(_REGION, "a region", "Like eu-central-1.")), _schema(_REGION, "eu-central-1")
]
Profile = Annotated[
    str, AfterValidator(matching(r"\S(.*\S)?", "the name of a profile", "As in ~/.aws/config.")), _schema(r"\S(.*\S)?")
]
Store = Annotated[
    str,
    AfterValidator(matching(PATTERN, "a store", "Like dynamodb://TABLE, or files.")),
    _schema(PATTERN, "dynamodb://lambdaops"),
]
Moment = Annotated[
    str,
    AfterValidator(_moment),
    _schema(f"{_WEEK_TIME.pattern}|{_LOCAL_TIME.pattern}", "Fri 16:00", "2026-12-20T00:00"),
]
Zone = Annotated[str, AfterValidator(_zone), Field(json_schema_extra={"examples": ["Europe/Berlin", "UTC"]})]
Variable = Annotated[str, AfterValidator(_variable), _schema(_VARIABLE, "SLACK_WEBHOOK_URL")]
Topic = Annotated[
    str,
    AfterValidator(matching(_TOPIC, "the ARN of an SNS topic", "Like arn:aws:sns:eu-central-1:111122223333:releases.")),
    _schema(_TOPIC, "arn:aws:sns:eu-central-1:111122223333:releases"),
]
Bus = Annotated[
    str,
    AfterValidator(matching(_BUS, "the name or ARN of an event bus", "default is the account's own.")),
    _schema(_BUS, "default"),
]
