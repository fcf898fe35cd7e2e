"""Configurations without a mistake, made up by Hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

_NAMES = st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True)
_DURATIONS = st.sampled_from(["0s", "45s", "5m", "1h30m", "7d"])
_ALARMS = st.lists(st.sampled_from(["orders-health", "{function}-*", "{alias} [ab]?", "x"]), max_size=3)
_METRICS = st.sampled_from(
    [
        {"name": "backlog", "namespace": "AWS/SQS", "metric": "Age", "stat": "Maximum", "fails-when": "> 300"},
        {
            "name": "share",
            "expression": "100 * [A B Sum] / [A C Sum X={candidate}]",
            "fails-when": "<= 0.5",
            "for": 3,
            "period": "5m",
            "observe": True,
        },
    ]
)
_FUNCTIONS = st.fixed_dictionaries(
    {},
    optional={
        "alias": _NAMES.filter(lambda name: not name.isdecimal()),
        "strategy": st.sampled_from(
            ["canary", "linear:20%:2m", "5%:2m,100%:10m", "careful", "Linear10PercentEvery1Minute"]
        ),
        "bake": _DURATIONS,
        "alarms": _ALARMS,
        "ignore-alarms": _ALARMS,
        "look-every": _DURATIONS.filter(lambda text: text != "0s"),
        "patience": _DURATIONS,
        "on-inconclusive": st.sampled_from(["rollback", "hold", "promote"]),
        "compare": st.sampled_from(["errors", "errors,throttles", "latency:800ms", "none"]),
        "tolerance": st.sampled_from(["1.5", "2.25", "100.0"]),
        "alpha": st.sampled_from(["0.0001", "0.01", "0.5"]),
        "min-requests": st.integers(0, 1_000_000),
        "period": st.sampled_from(["1s", "30s", "1m", "5m"]),
        "metrics": st.lists(_METRICS, max_size=2),
        "observe": st.sampled_from(["all", "errors,throttles"]),
        "read-logs": st.booleans(),
        "reason": st.sampled_from(["required", "optional"]),
    },
)
_CHANNELS = st.sampled_from([{"slack": {"url-from-env": "HOOK"}}, {"eventbridge": {"bus": "default"}}])
_NOTIFY = st.lists(
    st.builds(lambda channel, on: channel | on, _CHANNELS, st.sampled_from([{}, {"on": ["held"]}])), max_size=2
)
_FREEZE = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.text("abc é:#", min_size=1),
            "from": st.just("Fri 16:00"),
            "to": st.sampled_from(["Mon 07:00", "Fri 15:59"]),
            "timezone": st.sampled_from(["UTC", "Europe/Berlin"]),
        }
    ),
    max_size=2,
)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, object]:
    """A document without a mistake."""
    functions = draw(st.dictionaries(_NAMES, st.none() | _FUNCTIONS, max_size=4))
    overrides = (
        st.dictionaries(st.sampled_from(sorted(functions)), st.none() | _FUNCTIONS) if functions else st.just({})
    )
    environment = st.fixed_dictionaries(
        {
            "account": st.from_regex("[1-9][0-9]{11}", fullmatch=True),
            "region": st.sampled_from(["eu-central-1", "us-gov-west-1"]),
        },
        optional={
            "profile": st.text("ab c", min_size=1).filter(lambda text: text == text.strip()),
            "confirm": st.sampled_from(["ask", "type-target"]),
            "functions": st.none() | overrides,
            "freeze": _FREEZE,
            "notify": _NOTIFY,
        },
    )
    rest = st.fixed_dictionaries(
        {},
        optional={
            "defaults": st.none() | _FUNCTIONS,
            "environments": st.none()
            | st.dictionaries(_NAMES.filter(lambda name: name[0].isalnum()), environment, max_size=3),
            "notify": _NOTIFY,
        },
    )
    return {"version": 1, "strategies": {"careful": "5%:2m,100%:10m"}, "functions": functions, **draw(rest)}
