"""Error messages in log events: which they are, and what of them is shown."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdaops.core.logged import LoggedError, error_in, normalised, top_errors

ID = "c509543f-74af-485a-b00e-313da2a21325"
NODE = json.dumps({"errorType": "TypeError", "errorMessage": "no price", "stack": ["TypeError: no price", " at x"]})


@pytest.mark.parametrize(
    ("event", "message"),
    [
        # Python's runtime, and its logger
        ("[ERROR] ValueError: no order 4711\nTraceback (most recent call last):\n  File", "ValueError: no order <n>"),
        ("[ERROR] RuntimeError\nTraceback (most recent call last):", "RuntimeError"),
        (f"[ERROR]\t2026-11-28T19:30:42.123Z\t{ID}\tpayment refused\n", "payment refused"),
        (f"[WARNING]\t2026-11-28T19:30:42.123Z\t{ID}\tslow", ""),
        (f"[INFO]\t2026-11-28T19:30:42.123Z\t{ID}\tno error at all", ""),
        # Node's
        (f"2026-11-28T19:30:42.123Z\t{ID}\tERROR\tInvoke Error \t{NODE}", "TypeError: no price"),
        (f"2026-11-28T19:30:42.123Z\t{ID}\tERROR\tcard refused", "card refused"),
        (f"2026-11-28T19:30:42.123Z\t{ID}\tINFO\tError handled", ""),
        # Java's, Go's, and what an unknown runtime prints
        ("java.lang.IllegalStateException: no cart: java.lang.IllegalStateException\n\tat shop.Cart.get(Cart.java:7)",
         "java.lang.IllegalStateException: no cart: java.lang.IllegalStateException"),
        ('{"errorMessage":"no cart","errorType":"errorString"}', "errorString: no cart"),
        ("Traceback (most recent call last):\n  File \"app.py\", line 4\nKeyError: 'total'", "KeyError: 'total'"),
        # the platform's
        (f"2026-11-28T19:30:42.123Z {ID} Task timed out after 3.00 seconds\n\n", "Task timed out after <n> seconds"),
        (f"RequestId: {ID} Error: Runtime exited with error: signal: killed\nRuntime.ExitError",
         "Runtime exited with error: signal: killed"),
        (f"START RequestId: {ID} Version: 42", ""),
        (f"REPORT RequestId: {ID}\tDuration: 4 ms\tStatus: error\tError Type: Runtime.Unknown", ""),
        # JSON logs
        ('{"timestamp":"2026-11-28T19:30:42Z","level":"ERROR","message":"no cart","logger":"root"}', "no cart"),
        ('{"level":"ERROR","message":"x","errorType":"KeyError","errorMessage":"\'total\'","stackTrace":[]}',
         "KeyError: 'total'"),
        ('{"level":"ERROR","message":{"errorType":"E","errorMessage":"nested"}}', "E: nested"),
        ('{"level":"ERROR","message":{"order":4711}}', "an object was logged"),
        ('{"level":"error","msg":"no cart"}', "no cart"),
        ('{"level":"INFO","message":"error rate is fine"}', ""),
        ('{"time":"x","type":"platform.report","record":{"status":"timeout"}}', "Task timed out"),
        ('{"time":"x","type":"platform.report","record":{"status":"success"}}', ""),
        ('{"level": "ERROR", "message": "cut of', ""),
        ("", ""),
        ("hello", ""),
        ("no Error to see here", ""),
    ],
)  # fmt: skip
def test_the_error_of_an_event(event: str, message: str) -> None:
    assert error_in(event) == message


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no order 4711 of ada@example.com", "no order <n> of <email>"),
        (f"request {ID} failed", "request <id> failed"),
        ("KeyError: 'customer_name'", "KeyError: 'customer_name'"),
        ("KeyError: 'Ada Lovelace'", "KeyError: '...'"),
        ('bad value "DE89 3704 0044 0532 0130 00"', "bad value '...'"),
        ("card 4111-1111-1111-1111 declined", "card <n> declined"),
        ("GET https://api.example.com/users/7?token=abc failed", "GET <url> failed"),
        ("cannot read s3://bucket/key", "cannot read <url>"),
        ("not authorized: arn:aws:iam::111122223333:role/x", "not authorized: <arn>"),
        ("connect to 10.0.0.7:5432 refused", "connect to <ip>:<n> refused"),
        ("token eyJhbGciOiJIUzI1NiIsInR5cCI6 expired", "token <id> expired"),
        ("took 3.5 s, limit 3", "took <n> s, limit <n>"),
        ("S3 and utf8 stay", "S3 and utf8 stay"),
        ("can't read the user's file", "can't read the user's file"),
        ("  many \t blanks ", "many blanks"),
        ("x" * 30 + " y" * 100, None),
    ],
)
def test_what_looks_like_data_is_not_shown(text: str, shown: str | None) -> None:
    found = normalised(text)
    assert len(found) <= 160
    if shown is not None:
        assert found == shown
    else:
        assert found.endswith("...")


def test_the_same_error_is_one_line_and_the_most_frequent_comes_first() -> None:
    events = [f"[ERROR] ValueError: no order {number}" for number in range(5)]
    events += ["[ERROR] KeyError: 'a'", "hello", "[ERROR] KeyError: 'b'", "[ERROR] KeyError: 'b'"]
    assert top_errors(events, most=2) == (
        LoggedError(5, "ValueError: no order <n>"),
        LoggedError(2, "KeyError: 'b'"),
    )
    assert top_errors([]) == ()


@given(
    st.text(max_size=300),
    st.sampled_from(["", "[ERROR] ", "{", '{"level":"ERROR","message":"', "Traceback (most recent call last):\n"]),
)
def test_any_event_is_one_short_line(text: str, begin: str) -> None:
    message = error_in(begin + text)
    assert len(message) <= 160
    assert len(message.splitlines()) <= 1
