"""JSON Schema of our files, for editors: completion, descriptions, and mistakes seen while typing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from lambdaops.config.models import File

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic_core import core_schema

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _Strict(GenerateJsonSchema):
    """Pydantic's schema, with what the reader has otherwise: empty values, defaults, names that do not fit."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """A key left out is not a key with nothing behind it; only a section may be empty."""
        found = super().model_schema(schema)
        model = schema["cls"]
        filled = {field.alias for name, field in model.model_fields.items() if name not in model.may_be_empty}
        for name in filled & found["properties"].keys():
            found["properties"][name] = _not_null(found["properties"][name])
        return found

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """What is left out has no value in the file."""
        return self.generate_inner(schema["schema"])

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """A mapping whose keys are names takes no other keys."""
        found = super().dict_schema(schema)
        if "patternProperties" in found:
            found["additionalProperties"] = False
        return found


def json_schema(model: type[BaseModel] = File, title: str = "lambdaops.yaml") -> dict[str, Any]:
    """The schema as data."""
    schema = model.model_json_schema(schema_generator=_Strict)
    return {"$schema": _DIALECT, "title": title, **_untitled(schema)}


def _not_null(part: JsonSchemaValue) -> JsonSchemaValue:
    match part:
        case {"anyOf": [inner, {"type": "null"}], **rest}:
            return {**inner, **rest}
        case _:
            return part


def _untitled(part: Any) -> Any:  # noqa: ANN401 -- JSON
    """Without the titles that pydantic makes of names: editors show them before the description."""
    if isinstance(part, dict):
        return {key: _untitled(value) for key, value in part.items() if key != "title" or not isinstance(value, str)}
    return [_untitled(item) for item in part] if isinstance(part, list) else part
