"""JMESPath, evaluated with an end: every step and everything that is built is paid from a budget.

Rules this file guarantees: no expression takes more than a few seconds or some hundred megabytes on one letter.
JMESPath has no loops, but ``[@, @]`` twenty times over is a list whose text is a million times as long as what it was
made of.
"""

from __future__ import annotations

from typing import Any, Final

from jmespath.visitor import TreeInterpreter

STEPS: Final = 1_000_000
_TEXT: Final = 16
"""Characters of text that cost as much as one step."""


class TooMuchError(Exception):
    """The budget is used up."""


class BoundedInterpreter(TreeInterpreter):  # type: ignore[misc]  # the library has no types
    """jmespath's own interpreter, which stops when its budget is used up; for one evaluation."""

    def __init__(self, steps: int = STEPS) -> None:
        super().__init__()
        self._left = steps

    def visit(self, node: dict[str, Any], *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 -- any JSON value
        """Evaluate one node."""
        self._spend(1)
        return super().visit(node, *args, **kwargs)

    def visit_flatten(self, node: dict[str, Any], value: Any) -> Any:  # noqa: ANN401
        """Flatten, if the result is not too long."""
        base = self.visit(node["children"][0], value)
        if not isinstance(base, list):
            return None
        self._spend(sum(len(one) if isinstance(one, list) else 1 for one in base))
        return [each for one in base for each in (one if isinstance(one, list) else [one])]

    def visit_slice(self, node: dict[str, Any], value: Any) -> Any:  # noqa: ANN401
        """Slice, which copies."""
        self._spend(_extent(value))
        return super().visit_slice(node, value)

    def visit_comparator(self, node: dict[str, Any], value: Any) -> Any:  # noqa: ANN401
        """Compare; of lists and objects, everything that is in them."""
        compare = self.COMPARATOR_FUNC[node["value"]]
        left, right = (self.visit(child, value) for child in node["children"])
        if node["value"] in self._EQUALITY_OPS:
            if isinstance(left, list | dict) and isinstance(right, list | dict):
                self.weigh(left)
                self.weigh(right)
            return compare(left, right)
        # Ordering is of two numbers or of two texts; anything else is null, as the specification has it.
        numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in (left, right))
        texts = isinstance(left, str) and isinstance(right, str)
        return compare(left, right) if numbers or texts else None

    def visit_function_expression(self, node: dict[str, Any], value: Any) -> Any:  # noqa: ANN401
        """Call a function, if what it has to go through is not too much."""
        given = [self.visit(child, value) for child in node["children"]]
        if node["value"] in {"to_string", "contains"}:
            for one in given:
                self.weigh(one)
        else:
            self._spend(sum(_extent(one) for one in given))
        if node["value"] == "join" and all(isinstance(one, str | list) for one in given):
            self._spend(sum(len(one) for one in given[1] if isinstance(one, str)) // _TEXT)
            self._spend(len(given[0]) * len(given[1]) // _TEXT)
        return self._functions.call_function(node["value"], given)

    def weigh(self, value: object) -> None:
        """Pay for everything that is in a value, as often as it is in it.

        Raises:
            TooMuchError: more than there is left.
        """
        waiting = [value]
        while waiting:
            one = waiting.pop()
            self._spend(1 + (_extent(one) if isinstance(one, str) else 0))
            if isinstance(one, list):
                waiting.extend(one)
            elif isinstance(one, dict):
                waiting.extend(one.values())

    def _spend(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise TooMuchError


def _extent(value: object) -> int:
    """How much there is to go through in the value itself."""
    if isinstance(value, str):
        return len(value) // _TEXT
    return len(value) if isinstance(value, list | dict) else 0
