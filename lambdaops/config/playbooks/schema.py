"""JSON Schema of playbooks, for editors: the form of the file, and for each step what it may be given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambdaops.config.playbooks.models import PlaybookFile
from lambdaops.config.schema import json_schema
from lambdaops.core.playbook.uses import Shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambdaops.core.playbook.uses import Parameter, Use

_EXPRESSION = {"type": "string", "pattern": r"\$\{\{.*\}\}"}
_SHAPES: dict[Shape, list[dict[str, Any]]] = {
    Shape.TEXT: [{"type": ["string", "number"]}],
    Shape.NUMBER: [{"type": "integer"}, _EXPRESSION],
    Shape.FLAG: [{"type": "boolean"}, _EXPRESSION],
    Shape.LIST: [{"type": "array"}, {"type": "string"}],
    Shape.MAPPING: [{"type": "object"}, _EXPRESSION],
    Shape.ANY: [],
}


def playbook_schema(uses: Mapping[str, Use]) -> dict[str, Any]:
    """The schema as data; ``uses`` is the catalogue."""
    schema = json_schema(PlaybookFile, "playbook of lambdaops")
    for name in ("StepSettings", "CompensationSettings"):
        part = schema["$defs"][name]
        part["properties"]["uses"] = {"enum": sorted(uses), "description": part["properties"]["uses"]["description"]}
        part["allOf"] = [
            {
                "if": {"properties": {"uses": {"const": use.name}}, "required": ["uses"]},
                "then": {
                    "properties": {"with": _given(use)},
                    "required": ["with"] if any(one.required for one in use.parameters.values()) else [],
                },
            }
            for use in uses.values()
        ]
    return schema


def _given(use: Use) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": "object",
        "description": use.about,
        "additionalProperties": False,
        "properties": {one.name: _parameter(one) for one in use.parameters.values()},
    }
    required = [one.name for one in use.parameters.values() if one.required]
    # What needs nothing may be given nothing.
    return {**found, "required": required} if required else {**found, "type": ["object", "null"]}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    shapes = _SHAPES[parameter.shape]
    if parameter.choices:
        shapes = [{"enum": list(parameter.choices)}, _EXPRESSION]
    said: dict[str, Any] = {"description": parameter.about} if parameter.about else {}
    return {**said, "anyOf": shapes} if len(shapes) > 1 else {**said, **(shapes[0] if shapes else {})}
