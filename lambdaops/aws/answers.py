"""Calls that are made for their answer: a function's, and those of AWS that only read.

Rules this file guarantees: a function is called once (``aws.once``); what AWS answers becomes JSON, without bytes and
streams, which have no place in one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lambdaops.aws.faults import translating
from lambdaops.aws.session import Session
from lambdaops.core.errors import StepRefusedError
from lambdaops.ports.playbooks import Answer

if TYPE_CHECKING:
    from lambdaops.core.playbook.book import Json

_TYPE_LENGTH = 200


@dataclass(frozen=True)
class AwsAnswers:
    """Implements ports.playbooks.Answers."""

    session: Session

    def invoke(self, function: str, qualifier: str, payload: bytes) -> Answer:
        """Call a function and wait."""
        name = f"{function}:{qualifier}"
        with translating(f"invoke {name}", target=name):
            answer = self.session.invocations(waiting=True).invoke(
                FunctionName=function, Qualifier=qualifier, InvocationType="RequestResponse", Payload=payload
            )
            body = answer["Payload"].read()
        error = answer.get("FunctionError", "")
        said = _json(body)
        what = str(said.get("errorType", ""))[:_TYPE_LENGTH] if error and isinstance(said, dict) else ""
        request = str(answer["ResponseMetadata"].get("RequestId", ""))
        return Answer(request, answer.get("ExecutedVersion", ""), error, what, None if error else said)

    def ask(self, service: str, call: str, parameters: Mapping[str, Json]) -> Json:
        """Make one call."""
        from botocore.exceptions import ParamValidationError

        client = self.session.reading(service)
        method = next((name for name, api in client.meta.method_to_api_mapping.items() if api == call), None)
        if method is None:
            raise StepRefusedError(
                f"{service} has no call {call} in the installed boto3", hint="Check its name, or update boto3."
            )
        try:
            with translating(f"{service} {call}"):
                answer: Mapping[str, Any] = getattr(client, method)(**parameters)
        except ParamValidationError as error:
            told = " ".join(str(error).split())
            raise StepRefusedError(f"{service} {call} does not take these parameters: {told}") from None
        return _plain({key: value for key, value in answer.items() if key != "ResponseMetadata"})


def _json(body: bytes) -> Json:
    try:
        found: Json = json.loads(body)
    except ValueError:
        return None
    return found


def _plain(value: Any) -> Json:  # noqa: ANN401 -- what botocore gives
    match value:
        case datetime():
            return value.isoformat()
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case str() | bool() | int() | float() | None:
            return value
        case _:
            return None
