"""An account with many functions, as a scan sees it; refuses what it is told to refuse."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lambdaops.core.errors import LambdaOpsError
from lambdaops.core.model import Alias, Routing
from lambdaops.ports import AlarmLink

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "arn:aws:lambda:eu-central-1:111122223333:function"


@dataclass
class SimInventory:
    """Implements ports.Inventory; ``routings`` is function -> alias -> routing."""

    routings: dict[str, dict[str, Routing]] = field(default_factory=dict)
    links: tuple[AlarmLink, ...] = ()
    errors: dict[str, LambdaOpsError] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    together: int = 0
    on_call: Callable[[str], None] | None = None
    _running: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def region(self) -> str:
        self._raise("region")
        return "eu-central-1"

    def functions(self) -> Iterator[str]:
        self._raise("")
        yield from self.routings

    def aliases(self, function: str) -> tuple[Alias, ...]:
        with self._lock:
            self.asked.append(function)
            self._running += 1
            self.together = max(self.together, self._running)
            if self.on_call is not None:
                self.on_call(function)
        try:
            self._raise(function)
            routings = self.routings[function]
            return tuple(
                Alias(f"{PREFIX}:{function}:{name}", routings[name], f"rev-{name}") for name in sorted(routings)
            )
        finally:
            with self._lock:
                self._running -= 1

    def alarm_names(self, prefix: str) -> tuple[str, ...]:
        return tuple(sorted({link.alarm for link in self.alarm_links() if link.alarm.startswith(prefix)}))

    def alarm_links(self) -> tuple[AlarmLink, ...]:
        self._raise("alarms")
        return self.links

    def _raise(self, what: str) -> None:
        if what in self.errors:
            raise self.errors[what]
