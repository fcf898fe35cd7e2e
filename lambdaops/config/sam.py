"""What a SAM template says about releases: aliases, alarms and strategy of each function.

Rules this file guarantees: what can be said exactly is taken over, everything else is reported and never guessed in
silence; nothing is asked of AWS, so parameters have their defaults and names that CloudFormation makes are unknown.

Read: ``AutoPublishAlias`` and ``DeploymentPreference`` of AWS::Serverless::Function, its own and from ``Globals``
(SAM developer guide: DeploymentPreference; Globals section).
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lambdaops.config.templates import Items, Part, Table, Text, invalid, read_template
from lambdaops.core.errors import InvalidTargetError, LambdaOpsError
from lambdaops.core.model import Target, parse_function
from lambdaops.core.plan import CODEDEPLOY, resolve_strategy
from lambdaops.core.survey import FoundAlarm, FoundTarget, Skipped, Survey, scales

if TYPE_CHECKING:
    from collections.abc import Iterator

_FUNCTION = "AWS::Serverless::Function"
_ALARMS = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
_OTHER_FUNCTION = "AWS::Lambda::Function"
_UNNAMED = "CloudFormation names this function: put the deployed name here instead of the logical id"
_FALSE = ("false", "no", "off")
_TRUE = ("true", "yes", "on")
_REPORTED = {
    "Hooks": "lambdaops has no hooks: consider a manual gate (hold in the strategy) or a playbook",
    "Role": "Role is CodeDeploy's: lambdaops acts with the rights of whoever runs it",
    "PassthroughCondition": "PassthroughCondition has no counterpart: the function's condition is not looked at",
    "TriggerConfigurations": "TriggerConfigurations are CodeDeploy's: see notify in lambdaops.yaml",
}
_CONFIGURATION = "AWS::CodeDeploy::DeploymentConfig"
_NO_VALUE = "!Ref AWS::NoValue"
_LONGEST = 120
_WHOLE = re.compile(r"[1-9][0-9]{0,3}")
_PLACEHOLDER = re.compile(r"\$\{([^!}][^}]*)\}")


def survey_template(path: Path) -> Survey:
    """Read what a template says.

    Raises:
        InvalidFileError: the file cannot be read, or what stands where is not what SAM takes; with line and column.
    """
    template = read_template(path)
    if not isinstance(template.values.get("Resources"), Table):
        part = template.values.get("Resources", template)
        raise invalid(part.spot, "a template has Resources, a mapping of logical ids")
    return _Template(path, template, _table(template.values["Resources"], "Resources").values).survey()


@dataclass(frozen=True)
class _Template:
    """A template on its way to a survey."""

    path: Path
    top: Table
    resources: Mapping[str, Part]

    def survey(self) -> Survey:
        targets: list[FoundTarget] = []
        skipped: list[Skipped] = []
        notes: list[str] = []
        common = self._globals()
        for logical, part in self.resources.items():
            if logical.startswith("Fn::"):
                notes.append(f"{part.spot}: {logical} is not expanded: what it makes is not here")
                continue
            resource = _table(part, f"resource {logical}")
            kind = resource.values.get("Type")
            if not isinstance(kind, Text):
                notes.append(f"{part.spot}: {logical} has no Type: it is not looked at")
            elif kind.value == _OTHER_FUNCTION:
                skipped.append(Skipped(logical, f"is an {_OTHER_FUNCTION}, which publishes no alias by itself"))
            elif kind.value == _FUNCTION:
                found = self._function(logical, resource, common)
                if isinstance(found, Skipped):
                    skipped.append(found)
                else:
                    targets.append(found)
        return Survey(str(self.path), targets=_distinct(targets), skipped=tuple(skipped), notes=tuple(notes))

    def _globals(self) -> Table:
        everything = _table(self.top.values.get("Globals", Table({}, self.top.spot)), "Globals")
        return _table(everything.values.get("Function", Table({}, everything.spot)), "Globals.Function")

    # -- one function ------------------------------------------------------------------------------------------------

    def _function(self, logical: str, resource: Table, common: Table) -> FoundTarget | Skipped:
        own = _table(resource.values.get("Properties", Table({}, resource.spot)), f"{logical}.Properties")
        properties = _merged(common, own)
        name, notes = self._name(logical, properties.values.get("FunctionName"))
        part = properties.values.get("AutoPublishAlias")
        if part is None or (isinstance(part, Text) and not part.value):
            return Skipped(name, "has no AutoPublishAlias: callers run $LATEST, and there is no traffic to shift")
        if "Condition" in resource.values:
            notes.append(f"it exists only if {_written(resource.values['Condition'])}")
        alias = self._text(part)
        if alias is None:
            notes.append(f"AutoPublishAlias is {_written(part)}, which only a deployment knows: put the alias here")
            alias = "live"
        try:
            Target.parse(f"{name}:{alias}")
        except InvalidTargetError as error:
            raise invalid(part.spot, f"AutoPublishAlias of {logical}: {error.message}") from None
        preference = properties.values.get("DeploymentPreference")
        if preference is None:
            notes.append("it has no DeploymentPreference: SAM shifts all its traffic at once")
            return FoundTarget(name, alias, notes=tuple(notes))
        table = _table(_chosen(preference, "DeploymentPreference", notes), f"{logical}.DeploymentPreference")
        strategy = self._strategy(table, notes)
        alarms = tuple(_once(self._alarms(table.values.get("Alarms"), "")))
        notes += [
            f"{key}: {text}" if key == "Hooks" else text for key, text in _REPORTED.items() if key in table.values
        ]
        known = {"Type", "Alarms", "Enabled", *_REPORTED}
        notes += [f"DeploymentPreference.{key} is not known here" for key in table.values if key not in known]
        return FoundTarget(name, alias, alarms, strategy, tuple(notes))

    def _name(self, logical: str, part: Part | None) -> tuple[str, list[str]]:
        """The deployed name, or the logical id and what to do about it."""
        name = self._text(part) if part is not None else None
        spot = part.spot if part is not None else self.resources[logical].spot
        try:
            if name:
                return parse_function(name), []
            logical = parse_function(logical)
        except InvalidTargetError as error:
            raise invalid(spot, error.message) from None
        return logical, [f"FunctionName is {_written(part)}: put the deployed name here" if part else _UNNAMED]

    def _strategy(self, preference: Table, notes: list[str]) -> str:
        """The strategy that does what Type says; empty when that cannot be said, with the reason in the notes."""
        enabled = preference.values.get("Enabled")
        if enabled is not None:
            said = self._text(enabled)
            if said is not None and said.lower() in _FALSE:
                notes.append("DeploymentPreference is not enabled: SAM shifts all its traffic at once")
                return "all-at-once"
            if said is None or said.lower() not in _TRUE:
                notes.append(f"Enabled is {_written(enabled)}: taken as true")
        part = preference.values.get("Type")
        if part is None:
            return ""
        part = _chosen(part, "Type", notes)
        own = self._own_configuration(part)
        if own:
            return own
        name = self._text(part)
        if name is None:
            notes.append(f"Type is {_written(part)}, which only a deployment knows: say the strategy here")
            return ""
        if name.removeprefix("CodeDeployDefault.").removeprefix("Lambda") not in CODEDEPLOY:
            notes.append(f"Type {name} is a deployment configuration of your own: write its stages as a strategy")
            return ""
        return name

    def _own_configuration(self, part: Part) -> str:
        """The strategy that does what a deployment configuration of this template says; empty if it is none."""
        logical = self._referred(part, (_CONFIGURATION,))
        if logical is None:
            return ""
        routing: Part | None = self._properties(logical).values.get("TrafficRoutingConfig")
        for kind, name in (("Canary", "canary"), ("Linear", "linear")):
            times = routing.values.get(f"TimeBased{kind}") if isinstance(routing, Table) else None
            if isinstance(times, Table):
                share, every = (self._number(times.values.get(f"{kind}{what}")) for what in ("Percentage", "Interval"))
                strategy = f"{name}:{share}%:{every}m"
                with contextlib.suppress(LambdaOpsError):  # no share, too large a share, too long a time
                    resolve_strategy(strategy)
                    return strategy
        return ""

    def _number(self, part: Part | None) -> str:
        text = self._text(part) if part is not None else None
        return text if text is not None and _WHOLE.fullmatch(text) else ""

    # -- alarms ------------------------------------------------------------------------------------------------------

    def _alarms(self, part: Part | None, condition: str) -> Iterator[FoundAlarm]:
        """The alarms of a list, of both branches of a condition, with the condition as a note."""
        if part is None or part == Text("", part.spot):
            return
        if isinstance(part, Items):
            for item in part.values:
                yield from self._alarms(item, condition)
        elif isinstance(part, Table) and "Fn::If" in part.values:
            name, then, otherwise = _branches(part)
            yield from self._alarms(then, _joined(condition, name))
            yield from self._alarms(otherwise, _joined(condition, f"not {name}"))
        elif _written(part) != _NO_VALUE:
            yield self._alarm(part, condition)

    def _alarm(self, part: Part, condition: str) -> FoundAlarm:
        note = f"only if {condition}" if condition else ""
        logical = self._referred(part, _ALARMS)
        text = self._text(part)
        if logical is not None:
            said = self._properties(logical).values.get("AlarmName")
            text = self._text(said) if said is not None else None
            if text is None:
                unknown = f"AlarmName is {_written(said)}" if said is not None else "CloudFormation names it"
                return FoundAlarm(logical, _joined(note, f"{unknown}: put the deployed name here", "; "), usable=False)
        if not text:
            return FoundAlarm(_written(part), _joined(note, "only a deployment knows its name", "; "), usable=False)
        if scales(text):
            return FoundAlarm(text, "drives auto scaling, says nothing of health", usable=False)
        return FoundAlarm(text, note)

    # -- references --------------------------------------------------------------------------------------------------

    def _referred(self, part: Part, kinds: tuple[str, ...]) -> str | None:
        """The resource of this template, of one of these types, that ``!Ref`` means."""
        referred = part.values.get("Ref") if isinstance(part, Table) else None
        resource = self.resources.get(referred.value) if isinstance(referred, Text) else None
        kind = resource.values.get("Type") if isinstance(resource, Table) else None
        return referred.value if isinstance(referred, Text) and isinstance(kind, Text) and kind.value in kinds else None

    def _properties(self, logical: str) -> Table:
        resource = _table(self.resources[logical], logical)
        return _table(resource.values.get("Properties", Table({}, resource.spot)), f"{logical}.Properties")

    # -- text --------------------------------------------------------------------------------------------------------

    def _text(self, part: Part) -> str | None:
        """What a part says where the template alone tells it: text, a parameter's default, !Sub of those; else None."""
        if isinstance(part, Text):
            return part.value
        if not isinstance(part, Table) or len(part.values) != 1:
            return None
        ((function, argument),) = part.values.items()
        if function == "Ref" and isinstance(argument, Text):
            return self._default(argument.value)
        if function == "Fn::Sub" and isinstance(argument, Text):
            names = {name: self._default(name) for name in _PLACEHOLDER.findall(argument.value)}
            if None in names.values():
                return None
            return _PLACEHOLDER.sub(lambda found: names[found[1]] or "", argument.value).replace("${!", "${")
        return None

    def _default(self, parameter: str) -> str | None:
        parameters = self.top.values.get("Parameters")
        declared = parameters.values.get(parameter) if isinstance(parameters, Table) else None
        default = declared.values.get("Default") if isinstance(declared, Table) else None
        return default.value if isinstance(default, Text) else None


# -- parts -------------------------------------------------------------------------------------------------------------


def _table(part: Part, what: str) -> Table:
    if isinstance(part, Text) and not part.value:
        return Table({}, part.spot)  # `Properties:` with nothing below
    if not isinstance(part, Table):
        raise invalid(part.spot, f"{what} must be a mapping")
    return part


def _merged(common: Table, own: Table) -> Table:
    """``Globals`` below a function's own properties: mappings are merged, lists joined, anything else is replaced."""
    values = dict(common.values)
    for key, part in own.values.items():
        below = values.get(key)
        if isinstance(below, Table) and isinstance(part, Table) and not _is_function(below) and not _is_function(part):
            values[key] = _merged(below, part)
        elif isinstance(below, Items) and isinstance(part, Items):
            values[key] = Items((*below.values, *part.values), part.spot)
        else:
            values[key] = part
    return Table(values, own.spot)


def _is_function(table: Table) -> bool:
    name = next(iter(table.values), "")
    return len(table.values) == 1 and (name in ("Ref", "Condition") or name.startswith("Fn::"))


def _branches(table: Table) -> tuple[str, Part, Part]:
    """The condition of an ``Fn::If`` and what it chooses between."""
    part = table.values["Fn::If"]
    if isinstance(part, Items) and len(part.values) == 3 and isinstance(part.values[0], Text):  # noqa: PLR2004
        return part.values[0].value, part.values[1], part.values[2]
    raise invalid(part.spot, "Fn::If takes a condition and two values")


def _chosen(part: Part, what: str, notes: list[str]) -> Part:
    """The part, or the branch of a condition that says something; which one is noted."""
    if not isinstance(part, Table) or "Fn::If" not in part.values:
        return part
    condition, then, otherwise = _branches(part)
    missing = _written(then) == _NO_VALUE
    notes.append(f"{what} depends on {condition}: taken as it is {'without' if missing else 'with'} it")
    return _chosen(otherwise if missing else then, what, notes)


def _written(part: Part) -> str:
    """The part in the short form people write, on one line, in at most 120 characters."""
    text = " ".join(_short(part).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _short(part: Part) -> str:
    match part:
        case Text(value=value):
            return value
        case Items(values=values):
            return f"[{', '.join(_short(item) for item in values)}]"
        case Table(values=values) if len(values) == 1 and _is_function(part):
            ((name, argument),) = values.items()
            return f"!{name.removeprefix('Fn::')} {_short(argument)}"
        case Table(values=values):
            return f"{{{', '.join(f'{key}: {_short(value)}' for key, value in values.items())}}}"


def _joined(left: str, right: str, by: str = " and ") -> str:
    return f"{left}{by}{right}" if left else right


def _once(alarms: Iterator[FoundAlarm]) -> Iterator[FoundAlarm]:
    """Each alarm once; one that is always there needs no condition."""
    found: dict[str, FoundAlarm] = {}
    for alarm in alarms:
        known = found.get(alarm.name)
        if known is None or (known.note and not alarm.note):
            found[alarm.name] = alarm
    yield from found.values()


def _distinct(targets: list[FoundTarget]) -> tuple[FoundTarget, ...]:
    """Functions by name; of two that share one (two branches of a condition), the first."""
    by_name: dict[str, FoundTarget] = {}
    for target in targets:
        by_name.setdefault(target.function, target)
    return tuple(by_name.values())
