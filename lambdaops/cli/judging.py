"""What the judge is asked, from the words of a command line, the configuration file and the defaults."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lambdaops.cli import defaults
from lambdaops.core.comparison import (
    parse_alpha,
    parse_comparisons,
    parse_min_requests,
    parse_period,
    parse_tolerance,
    share_alpha,
)

if TYPE_CHECKING:
    from lambdaops.core.plan import Plan
    from lambdaops.core.settings import Settings


@dataclass(frozen=True)
class Judging:
    """The words, not yet understood; None where nothing was said."""

    compare: str | None = None
    tolerance: str | None = None
    alpha: str | None = None
    min_requests: str | None = None
    period: str | None = None
    observe: bool = False

    def insists(self, settings: Settings) -> bool:
        """Whether comparing was asked for: then being unable to compare blocks the release."""
        said = (self.compare, self.min_requests, settings.compare, settings.min_requests)
        return any(word is not None for word in said)

    def complete(self, plan: Plan, settings: Settings) -> Plan:
        """The plan with its comparisons: the command line's words stand before the file's.

        Raises:
            InvalidComparisonError, InvalidDurationError: a word that cannot be understood.
        """
        comparisons = parse_comparisons(self.compare or settings.compare or defaults.COMPARE)
        asked = tuple(
            replace(
                one,
                tolerance=parse_tolerance(self.tolerance or settings.tolerance or defaults.TOLERANCE),
                alpha=parse_alpha(self.alpha or settings.alpha or defaults.ALPHA),
                min_requests=parse_min_requests(self.min_requests or settings.min_requests or defaults.MIN_REQUESTS),
                acts=not self.observe,
            )
            for one in comparisons
        )
        period = (
            settings.period if self.period is None and settings.period else parse_period(self.period or defaults.PERIOD)
        )
        return replace(plan, comparisons=share_alpha(asked), period=period)
