"""``audit report``: one HTML file that needs nothing else, with a drawing of every release.

Rules this file guarantees: whatever comes from a journal is text and escaped; no script, no address that a browser
would fetch; colours are never the only sign.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from lambdaops.core.arns import resource_name
from lambdaops.core.duration import format_duration
from lambdaops.core.gates import Verdict
from lambdaops.core.halt.history import HALT
from lambdaops.core.model import FULL, percent
from lambdaops.render.words import moment, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime, timedelta

    from lambdaops.core.audit.report import Change, Point, Report

_WIDTH, _HEIGHT, _TOP = 640, 90, 14
_BAND = 10
_MOST_WORDS = 5
_WORDS = {
    Verdict.PASS: "pass",
    Verdict.INCONCLUSIVE: "inconclusive",
    Verdict.ERROR: "unreadable",
    Verdict.FAIL: "fail",
}
_STYLE = """
:root { color-scheme: light dark; --ink: #1d2430; --soft: #5b6675; --line: #d5dae1; --paper: #fff; --curve: #2457a7;
  --pass: #7cc08a; --inconclusive: #d9b64e; --unreadable: #a9a3b8; --fail: #d0524f; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --soft: #9aa5b4; --line: #39424f; --paper: #14181e;
  --curve: #7fb0ff; } }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2rem auto;
  max-width: 60rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.05rem; margin: 0; overflow-wrap: anywhere; }
p { margin: .25rem 0; } .soft { color: var(--soft); }
.four { display: grid; grid-template-columns: repeat(auto-fit, minmax(12rem, 1fr)); gap: 1rem; margin: 1.5rem 0; }
.four div { border: 1px solid var(--line); border-radius: 6px; padding: .75rem 1rem; }
.four b { display: block; font-size: 1.5rem; }
article { border-top: 1px solid var(--line); padding: 1rem 0; }
article p { overflow-wrap: anywhere; }
svg { width: 100%; height: auto; margin-top: .5rem; } svg text { font-size: 10px; fill: var(--soft); }
.curve { fill: none; stroke: var(--curve); stroke-width: 2; } .axis { stroke: var(--line); }
.pass { fill: var(--pass); } .inconclusive { fill: var(--inconclusive); } .unreadable { fill: var(--unreadable); }
.fail { fill: var(--fail); }
"""


def report_page(report: Report, *, tool: str) -> str:
    """The whole file."""
    span = f"{moment(report.since)} to {moment(report.until)} UTC"
    articles = "\n".join(_article(change, report.until) for change in report.changes)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Changes, {_text(span)}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>Changes of traffic</h1>
<p class="soft">{_text(span)}, by {_text(tool)} from its journals</p>
<div class="four">
{_number(_frequency(report), "promotions", f"{report.promotions} in this time")}
{_number(_duration(report.lead), "lead time", "median, from publication (else the release's beginning) to 100 %")}
{_number(_rate(report.failure_rate), "taken back", "of the releases that moved traffic and are over")}
{_number(_duration(report.restore), "time to restore", "median, from the first traffic on a bad version to the last")}
</div>
{articles or "<p>Nothing was changed in this time.</p>"}
</body>
</html>
"""


def _frequency(report: Report) -> str:
    if report.per_day >= 1 or not report.promotions:
        return f"{report.per_day:.1f} a day"
    return f"{report.per_day * 7:.1f} a week"


def _rate(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:.0%}".replace("%", " %")


def _duration(duration: timedelta | None) -> str:
    return "-" if duration is None else format_duration(duration)


def _number(value: str, name: str, how: str) -> str:
    return f'<div><b>{_text(value)}</b>{_text(name)}<p class="soft">{_text(how)}</p></div>'


def _text(text: str) -> str:
    return escape(plain(text), quote=True)


def _article(change: Change, until: datetime) -> str:
    name = resource_name(change.target)
    took = format_duration(change.ended - change.began) if change.ended else "not over"
    back = "" if not change.failed else f"; taken back after {_duration(change.restored)}"
    before, after = change.stable, change.candidate
    if change.strategy == "rollback":
        before, after = after, before
    what = change.candidate if change.strategy == HALT else f"{before} → {after}"
    when = (f"{moment(change.began)} UTC", took, change.strategy, change.release, *filter(None, [change.ticket]))
    lines = [
        f"<h2>{_text(f'{name}: {what}, {change.outcome}')}</h2>",
        f'<p class="soft">{_text(" · ".join(when))}</p>',
        f"<p>{_text(change.who)}</p>",
        f"<p>{_text(change.reason)}{_text(back)}</p>" if change.reason or back else "",
        _drawing(change, until) if len(change.weights) > 1 else "",
    ]
    return "<article>\n" + "\n".join(line for line in lines if line) + "\n</article>"


def _drawing(change: Change, until: datetime) -> str:
    """The candidate's weight over time, and under it what the gates said."""
    end = change.ended or until
    span = max((end - change.began).total_seconds(), 1.0)

    def x(at: datetime) -> float:
        return round(min(max((at - change.began).total_seconds() / span, 0.0), 1.0) * _WIDTH, 1)

    def y(weight: int) -> float:
        return round(_TOP + (1 - weight / FULL) * (_HEIGHT - _TOP), 1)

    steps = [f"M0 {y(0)}", *(f"H{x(point.at)} V{y(point.weight)}" for point in change.weights[1:]), f"H{_WIDTH}"]
    told = "; ".join(f"{moment(point.at)} {percent(point.weight)}" for point in change.weights[1:])
    title = f"Weight of version {change.candidate}: {told}. {_in_words(change)}"
    bottom = _HEIGHT + 6
    return "\n".join(
        [
            f'<svg viewBox="-42 0 {_WIDTH + 48} {_HEIGHT + 34}" role="img"><title>{_text(title)}</title>',
            f'<line class="axis" x1="0" y1="{y(0)}" x2="{_WIDTH}" y2="{y(0)}"/>',
            f'<line class="axis" x1="0" y1="{y(FULL)}" x2="{_WIDTH}" y2="{y(FULL)}"/>',
            f'<text x="-6" y="{y(FULL) + 4}" text-anchor="end">100 %</text>',
            f'<text x="-6" y="{y(0) + 4}" text-anchor="end">0</text>',
            f'<path class="curve" d="{" ".join(steps)}"/>',
            *_bands(change.verdicts, end, x, bottom),
            f'<text x="0" y="{bottom + _BAND + 14}">{_text(moment(change.began))}</text>',
            f'<text x="{_WIDTH // 2}" y="{bottom + _BAND + 14}" text-anchor="middle">{_text(_in_words(change))}</text>',
            f'<text x="{_WIDTH}" y="{bottom + _BAND + 14}" text-anchor="end">{_text(moment(end))}</text>',
            "</svg>",
        ]
    )


def _in_words(change: Change) -> str:
    """What the gates said, one after another: for whoever does not see the colours."""
    words = [_WORDS[point.verdict] for point in change.verdicts if point.verdict is not None]
    said = [word for number, word in enumerate(words) if number == 0 or word != words[number - 1]]
    if len(said) > _MOST_WORDS:
        said = [*said[:2], "...", *said[-2:]]
    return f"gates: {', then '.join(said)}" if said else ""


def _bands(verdicts: Sequence[Point], end: datetime, x: Callable[[datetime], float], top: int) -> Iterator[str]:
    """A bar for each time in which the gates said the same, with the word where there is room for it."""
    for number, point in enumerate(verdicts):
        if point.verdict is None:
            continue
        until = verdicts[number + 1].at if number + 1 < len(verdicts) else end
        start, width = x(point.at), round(x(until) - x(point.at), 1)
        word = _WORDS[point.verdict]
        yield (
            f'<rect class="{word}" x="{start}" y="{top}" width="{max(width, 2.0)}" height="{_BAND}">'
            f"<title>{_text(f'{word} from {moment(point.at)}')}</title></rect>"
        )
