"""The sixteen hazards of moving dead letters that others were caught by, those that a redrive meets; and what stops it.

(7 is also in test_inspect, 13 in test_route, 16 also in tests/store/test_drive.)
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from lambdaops.core.dlq.letter import Attribute
from lambdaops.core.dlq.plan import ALL, Rate
from lambdaops.core.dlq.records import Ending, RedriveStep, Stopped, Wish
from lambdaops.core.dlq.route import ToFunction, ToQueue
from lambdaops.core.dlq.run import exit_code
from lambdaops.core.dlq.talk import Turn
from lambdaops.core.errors import (
    AccessDeniedError,
    BlockedError,
    ExitCode,
    InvalidExpressionError,
    PlanDiffersError,
    RedriveInProgressError,
    ThrottledError,
)
from lambdaops.core.model import AlarmState
from lambdaops.core.states import Signal
from lambdaops.ops.dlq.deeds import Delete, Send
from lambdaops.ports.queues import Move
from tests.sim.queues import BROKEN, TIMED_OUT, Fault, arn_of
from tests.sim.redriving import Post, Process, quick


@pytest.fixture
def post() -> Post:
    return filled(30)


def filled(count: int, *, fifo: bool = False) -> Post:
    post, end = Post(), ".fifo" if fifo else ""
    post.sqs.box(f"dlq{end}")
    post.sqs.box(f"orders{end}", dead_letters=f"dlq{end}", max_receives=3)
    for number in range(count):
        post.sqs.put(f"dlq{end}", str(number), source=f"orders{end}", group=f"g{number % 3}" if fifo else None)
    return post


def only(post: Post, call: str, fault: Fault, times: int = 1) -> None:
    """The next calls of this operation, and no other, go wrong."""
    left = [fault] * times
    post.sqs.faults = lambda name: left.pop() if name == call and left else None


def counting_none(post: Post) -> list[int]:
    """From now on SQS counts no dead letter, whatever there is; how many there were, each time."""
    real, queue = post.sqs.find, arn_of("dlq")
    counted: list[int] = []

    def find(name: str) -> Any:
        found = real(name)
        if found.arn == queue:
            counted.append(found.total)
            return replace(found, waiting=0, hidden=0)
        return found

    post.sqs.find = find  # type: ignore[method-assign, assignment]
    return counted


def bodies(post: Post, name: str) -> list[str]:
    return [message.body for message in post.sqs.boxes[name].messages]


def visible(post: Post, name: str) -> bool:
    now = post.clock.now()
    return all(one.visible_at is None or one.visible_at <= now for one in post.sqs.boxes[name].messages)


def test_hazard_1_a_send_that_takes_too_long_is_given_back_not_doubled(post: Post) -> None:
    """A hard-coded visibility of two seconds made others send twice: what cannot be sent in time is not sent."""
    only(post, "receive", Fault(slow=timedelta(seconds=100)))
    assert post.redrive() is ExitCode.DONE
    assert sorted(bodies(post, "orders"), key=int) == [str(n) for n in range(30)]
    assert len(post.sqs.boxes["orders"].sent) == 30
    assert "hide" in post.sqs.calls[: post.sqs.calls.index("send")], "given back, and received anew"


@pytest.mark.parametrize("call", ["send", "delete"])
@pytest.mark.parametrize("sender", [False, True])
def test_hazard_2_only_what_was_taken_is_deleted(post: Post, call: str, sender: bool) -> None:
    """A batch answers with 200 and failures: deleting all loses the failed ones, deleting none doubles the others."""
    only(post, call, Fault(refused=(0, 3, 9), sender=sender))
    code = post.redrive()
    stays = 3 if call == "send" and sender else 0
    assert code is (ExitCode.PARTIAL if stays else ExitCode.DONE)
    assert len(bodies(post, "dlq")) == stays
    assert sorted([*bodies(post, "dlq"), *bodies(post, "orders")], key=int) == [str(n) for n in range(30)]
    assert len(post.sqs.boxes["orders"].sent) == 30 - stays


def test_hazard_2_nothing_is_deleted_before_its_send_was_confirmed(post: Post) -> None:
    process = post.process()
    sent: set[str] = set()
    while process.alive:
        process.step(0)
        deed = process.log[-1]
        if isinstance(deed, Send):
            sent |= {message.id for message in deed.messages}
        if isinstance(deed, Delete):
            assert {letter.id for letter in deed.letters} <= sent


def test_hazard_3_and_4_what_comes_back_is_not_moved_again(post: Post) -> None:
    """Poison that returns at once would be moved for ever: the run is bounded by its beginning, and counts it."""
    post.sqs.on_send = lambda box, message: post.sqs.bury(box.name, message)
    assert post.redrive(post.request(quick(max_reentry=10_000))) is ExitCode.DONE
    assert post.run().closed is not None
    assert len(post.sqs.boxes["orders"].sent) == 30
    assert len(bodies(post, "dlq")) == 30
    closed = post.run().closed
    assert closed is not None
    assert closed.tally.came_back > 0


def test_hazard_4_more_than_the_bearable_share_comes_back(post: Post) -> None:
    post.sqs.on_send = lambda box, message: post.sqs.bury(box.name, message)
    assert post.redrive(post.request(quick(stages=(10, ALL)))) is ExitCode.HELD
    held = post.run().held
    assert held is not None
    assert held.cause is Stopped.REENTRY
    assert "came back, more than 5 %" in held.reason
    assert len(post.sqs.boxes["orders"].sent) == 10, "none after the first stage"
    assert visible(post, "dlq")


def test_hazard_4_what_was_sent_before_a_kill_is_known_when_it_comes_back_after_it(post: Post) -> None:
    """The new ids stand in the journal: a process that goes on knows what the one before it sent."""
    process = post.process(post.request(quick(max_reentry=10_000)))
    while not any(isinstance(one.event, RedriveStep) and one.event.ended for one in post.journal.entries):
        process.step(0)
    process.kill()
    sent = list(post.sqs.boxes["orders"].messages)
    assert 10 <= len(sent) < 30
    for message in sent:
        post.sqs.bury("orders", message)
    post.clock.advance(timedelta(minutes=3))
    assert post.redrive(post.request(quick(max_reentry=10_000))) is ExitCode.DONE
    closed = post.run().closed
    assert closed is not None
    assert closed.tally.came_back >= 10
    assert closed.tally.came_back + closed.tally.arrived == len(sent)
    assert post.run().new is None, "nobody asks for them any more"


def test_hazard_4_a_share_that_came_back_before_a_kill_stops_the_process_after_it(post: Post) -> None:
    post.sqs.on_send = lambda box, message: post.sqs.bury(box.name, message)
    process = post.process()
    while not any(isinstance(one.event, RedriveStep) and one.event.ended for one in post.journal.entries):
        process.step(0)
    process.kill()
    post.clock.advance(timedelta(minutes=3))
    assert post.redrive() is ExitCode.HELD
    held = post.run().held
    assert held is not None
    assert held.cause is Stopped.REENTRY


def test_hazard_4_a_queue_that_is_filled_meanwhile_is_no_reason_to_go_on(post: Post) -> None:
    process = post.process()
    steps = 0
    while process.alive:
        post.sqs.put("dlq", "new", source="orders", ago=-1)
        process.step(0)
        steps += 1
        assert steps < 2_000, "it does not end"
    process.close()
    assert sorted(bodies(post, "orders"), key=int) == [str(n) for n in range(30)]


@pytest.mark.parametrize("fault", [TIMED_OUT, Fault(refused=(0,))])
def test_hazard_5_a_deduplication_id_of_its_own_makes_a_second_send_harmless(fault: Fault) -> None:
    post = filled(6, fifo=True)
    for message in post.sqs.boxes["dlq.fifo"].messages:
        message.body = "the same"  # content-based deduplication would make one of them all
    only(post, "send", fault)
    assert post.redrive() is ExitCode.DONE
    assert len(post.sqs.boxes["orders.fifo"].messages) == 6


def test_an_empty_queue_takes_one_look_of_a_second() -> None:
    post = filled(0)
    began = post.clock.now()
    assert post.redrive(post.request(quick(workers=4))) is ExitCode.DONE
    assert post.sqs.calls.count("receive") == 1
    assert post.clock.now() - began < timedelta(seconds=1.5)


@pytest.mark.parametrize("fifo", [False, True])
def test_the_last_look_waits_for_the_last_send_only_where_that_hides_others(fifo: bool) -> None:
    post = filled(10, fifo=fifo)
    process = post.process(post.request(quick(workers=2)))
    while not isinstance(process.deeds[0], Send):
        process.step(0)
    assert post.sqs.calls.count("receive") == 1
    while isinstance(process.deeds[1], Turn):
        process.step(1)
    process.step(1)
    assert post.sqs.calls.count("receive") == (1 if fifo else 2)
    process.finish()
    assert post.sqs.calls.count("receive") == 2
    assert len(post.sqs.boxes["orders.fifo" if fifo else "orders"].messages) == 10


def test_a_look_before_a_letter_went_back_is_not_the_last(post: Post) -> None:
    """Its send fails while the other worker finds nothing: the letter is to be had again, and is looked for."""
    counting_none(post)
    process = post.process(post.request(quick(workers=2)))
    while len(post.sqs.boxes["orders"].messages) < 20 or not isinstance(process.deeds[0], Send):
        process.step(0)
    while isinstance(process.deeds[1], Turn):
        process.step(1)
    process.step(1)
    assert post.sqs.calls.count("receive") == 4
    only(post, "send", BROKEN, times=3)
    process.finish()
    assert len(post.sqs.boxes["orders"].messages) == 30
    assert not post.sqs.boxes["dlq"].messages


def test_counts_that_are_behind_do_not_end_it(post: Post) -> None:
    """SQS counts none, and has some: receives are what is believed."""
    counted = counting_none(post)
    assert post.redrive(post.request(quick(workers=3))) is ExitCode.DONE
    assert counted[0] == 30
    assert not post.sqs.boxes["dlq"].messages
    assert post.run().sent == 30


@pytest.mark.parametrize("back", [timedelta(), timedelta(hours=1)])
def test_hazard_5_what_was_killed_long_ago_is_in_doubt_and_left(back: timedelta) -> None:
    """A clock that was set back meanwhile does not make it recent."""
    post = filled(3, fifo=True)
    process = post.process()
    while not post.sqs.boxes["orders.fifo"].sent:
        process.step(0)
    process.kill()  # sent, not deleted
    post.clock.advance(timedelta(minutes=6))
    post.machine.behind = back
    for _ in range(2):  # a run of its own does not forget either
        assert post.redrive() is ExitCode.PARTIAL
        closed = post.run().closed
        assert closed is not None
        assert closed.tally.doubtful == 3
        assert len(post.sqs.boxes["orders.fifo"].sent) == 3
    assert post.redrive(post.request(resend=True)) is ExitCode.DONE
    assert len(post.sqs.boxes["orders.fifo"].sent) == 6, "who insists gets what was warned of"


def test_hazard_5_the_first_sending_counts_however_often_it_was_repeated() -> None:
    """Sent and killed; sent again in time and killed; five minutes after the first the queue has forgotten it."""
    post = filled(1, fifo=True)
    for wait in (timedelta(minutes=2, seconds=30), timedelta(minutes=3)):
        process = post.process()
        while not any(isinstance(deed, Send) for deed in process.log):
            process.step(0)
        process.kill()
        post.clock.advance(wait)
    assert post.redrive() is ExitCode.PARTIAL
    assert len(post.sqs.boxes["orders.fifo"].sent) == 1
    assert post.run().closed.tally.doubtful == 1  # type: ignore[union-attr]


@pytest.mark.parametrize("how", ["a pause", "a kill", "another run"])
def test_hazard_5_what_got_no_answer_is_not_sent_again_when_the_queue_has_forgotten_it(how: str) -> None:
    """Every answer was lost, so the batch ended as not sent; it was sent all the same."""
    post = filled(3, fifo=True)
    only(post, "send", TIMED_OUT, times=3)
    process = post.process()
    while len([deed for deed in process.log if isinstance(deed, Send)]) < 3:
        process.step(0)
    while not any(isinstance(one.event, RedriveStep) and one.event.ended for one in post.journal.entries):
        process.step(0)
    assert len(post.sqs.boxes["orders.fifo"].sent) == 3
    if how == "a pause":
        post.ask(Wish.PAUSE, process.id)
        post.clock.advance(timedelta(seconds=1))  # until it is heard
        until = post.clock.now() + timedelta(minutes=6)
        while post.clock.now() < until:
            process.step(0)
        assert post.run().paused
        post.ask(Wish.RESUME, process.id)
        process.finish()
        code = exit_code(post.run())
    else:
        if how == "another run":
            post.ask(Wish.CANCEL, process.id)
            post.clock.advance(timedelta(seconds=1))
            process.finish()
        else:
            process.kill()
        post.clock.advance(timedelta(minutes=6))
        code = post.redrive()
    assert Counter(one.body for one in post.sqs.boxes["orders.fifo"].sent).most_common(1)[0][1] == 1, "none twice"
    assert code is ExitCode.PARTIAL
    assert post.run().closed.tally.doubtful == 3  # type: ignore[union-attr]


def test_hazard_5_what_may_have_been_sent_is_not_sent_at_the_last_moment() -> None:
    """It is granted in time, and the first try takes so long that a second would come too late."""
    post = filled(1, fifo=True)
    process = post.process()
    while not post.sqs.boxes["orders.fifo"].sent:
        process.step(0)
    process.kill()
    post.clock.advance(timedelta(minutes=3, seconds=55))
    only(post, "send", replace(BROKEN, slow=timedelta(seconds=29)))
    assert post.redrive() is ExitCode.PARTIAL
    assert post.sqs.calls.count("send") == 2
    assert len(post.sqs.boxes["orders.fifo"].sent) == 1


def test_hazard_5_what_never_gets_an_answer_is_in_doubt_and_what_does_later_is_not() -> None:
    post = filled(1, fifo=True)
    only(post, "send", TIMED_OUT, times=9)
    assert post.redrive() is ExitCode.PARTIAL
    tally = post.run().closed.tally  # type: ignore[union-attr]
    assert (tally.doubtful, tally.unsent) == (1, 0)
    assert post.run().doubts
    post = filled(1, fifo=True)
    only(post, "send", TIMED_OUT, times=3)
    assert post.redrive() is ExitCode.DONE
    assert not post.run().doubts
    assert len(post.sqs.boxes["orders.fifo"].sent) == 1


def test_hazard_1_a_handle_whose_time_ran_out_deletes_nothing(post: Post) -> None:
    """SQS may say that it did, of a letter that somebody else has in hand by then."""
    process = post.process(post.request(quick(visibility=timedelta(seconds=30))))
    while not isinstance(process.deeds[0], Send):
        process.step(0)
    post.clock.advance(timedelta(seconds=5))
    only(post, "send", Fault(slow=timedelta(seconds=29)))
    process.step(0)
    assert Delete not in map(type, process.deeds)
    process.finish()
    assert exit_code(post.run()) is ExitCode.DONE
    assert sorted(bodies(post, "orders"), key=int) == [str(n) for n in range(30)], (
        "sent once, deleted when it came again"
    )


def test_what_an_earlier_run_sent_and_could_not_delete_is_never_sent_again(post: Post) -> None:
    only(post, "delete", Fault(AccessDeniedError("no")), times=99)
    assert post.redrive() is ExitCode.AWS
    post.sqs.faults = lambda _: None
    process = post.process()
    post.ask(Wish.CANCEL, process.id)
    post.clock.advance(timedelta(seconds=1))
    process.finish()
    post.clock.advance(timedelta(minutes=3))
    assert post.redrive() is ExitCode.DONE
    assert len(post.sqs.boxes["orders"].sent) == 30
    assert bodies(post, "dlq") == []


def test_hazard_6_a_message_that_fails_stops_its_group_and_no_other() -> None:
    post = filled(9, fifo=True)
    post.sqs.boxes["dlq.fifo"].messages[0].attributes = {
        f"a{n}": Attribute("String", "x") for n in range(11)
    }  # more than SQS takes
    assert post.redrive() is ExitCode.PARTIAL
    assert bodies(post, "dlq.fifo") == ["0", "3", "6"]
    assert bodies(post, "orders.fifo") == ["1", "2", "4", "5", "7", "8"]


@pytest.mark.parametrize("fault", [Fault(refused=(0,)), Fault(ThrottledError("slow down"))])
def test_hazard_6_what_follows_a_failed_message_does_not_overtake_it(fault: Fault) -> None:
    post = filled(9, fifo=True)
    for message in post.sqs.boxes["dlq.fifo"].messages:
        message.group = "one"
    only(post, "send", fault, times=3)
    assert post.redrive(post.request(quick(workers=3))) is ExitCode.DONE
    assert [message.body for message in post.sqs.boxes["orders.fifo"].sent] == [str(n) for n in range(9)]


def test_hazard_7_no_more_is_received_than_a_limit_allows(post: Post) -> None:
    assert post.redrive(post.request(quick(limit=7))) is ExitCode.DONE
    assert len(bodies(post, "orders")) == 7
    assert sum(message.receives for message in post.sqs.boxes["dlq"].messages) == 0
    assert visible(post, "dlq")


def test_hazard_8_what_a_filter_leaves_is_hidden_meanwhile_and_visible_afterwards(post: Post) -> None:
    post.fates["keep"] = lambda letter: int(letter["body"]) % 2 == 0
    assert post.redrive() is ExitCode.DONE
    assert sorted(map(int, bodies(post, "orders"))) == list(range(0, 30, 2))
    assert visible(post, "dlq")
    assert max(message.receives for message in post.sqs.boxes["dlq"].messages) == 1, "each was looked at once"


def test_hazard_8_too_many_in_flight_is_waited_out(post: Post) -> None:
    post.sqs.boxes["dlq"].in_flight = 12
    post.fates["keep"] = lambda letter: int(letter["body"]) % 2 == 0
    post.redrive()
    assert visible(post, "dlq")
    there = [*bodies(post, "dlq"), *bodies(post, "orders")]
    assert sorted(map(int, there)) == list(range(30))


def test_hazard_9_attributes_trace_and_group_are_kept() -> None:
    post = filled(0)
    attributes = {
        "s": Attribute("String.custom", "ä"),
        "n": Attribute("Number.int", "12"),
        "b": Attribute("Binary.gz", b"\x00\xff"),
    }
    kept = post.sqs.put("dlq", "body", attributes, source="orders", group="tenant-7", trace="Root=1-2-3")
    assert post.redrive() is ExitCode.DONE
    (moved,) = post.sqs.boxes["orders"].messages
    assert moved.essence == kept.essence


@pytest.mark.parametrize("body", ['{"b": 1.50, "a": "\\u00e4"}\r\n', "\t", "not json \U0001f600"])
def test_hazard_10_a_body_is_sent_to_the_byte(body: str) -> None:
    post = filled(0)
    post.sqs.put("dlq", body, source="orders")
    assert post.redrive() is ExitCode.DONE
    assert bodies(post, "orders") == [body]


def test_hazard_10_a_body_that_a_transformation_spoils_stays(post: Post) -> None:
    def shape(letter: Any) -> str:
        if letter["body"] == 3:
            raise InvalidExpressionError("--transform gives null for it")
        return "\x00" if letter["body"] == 4 else "fine"

    post.fates["shape"] = shape
    assert post.redrive() is ExitCode.PARTIAL
    assert sorted(bodies(post, "dlq")) == ["3", "4"]
    closed = post.run().closed
    assert closed is not None
    assert closed.tally.unsendable == 2


def test_hazard_11_a_loop_of_redrives_is_noticed_as_what_comes_back() -> None:
    """Lambda cuts a chain of a function that feeds itself after 16 hops; here it shows as re-entry at once."""
    post = filled(12)
    post.sqs.on_send = lambda box, message: post.sqs.bury(box.name, message)
    assert post.redrive(post.request(quick(stages=(5, ALL)))) is ExitCode.HELD
    assert len(post.sqs.boxes["orders"].sent) == 5


FUNCTION = "arn:aws:lambda:eu-central-1:111122223333:function:orders"


def envelope(qualifier: str = "live", payload: Any = None) -> str:
    record = {
        "version": "1.0",
        "timestamp": "2026-11-01T00:00:00.000Z",
        "requestContext": {
            "requestId": "r-1",
            "functionArn": f"{FUNCTION}:{qualifier}",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": payload or {"order": 7},
        "responseContext": {"statusCode": 200, "executedVersion": "3", "functionError": "Unhandled"},
        "responsePayload": {"errorType": "ValueError", "errorMessage": "no"},
    }
    return json.dumps(record)


def test_hazard_12_a_function_gets_the_event_not_the_envelope() -> None:
    post = filled(0)
    post.sqs.put("dlq", envelope())
    assert post.redrive() is ExitCode.DONE
    assert [(name, alias, json.loads(event)) for name, alias, event, _ in post.functions.given] == [
        ("orders", "live", {"order": 7})
    ]


def test_hazard_12_a_queue_gets_an_envelope_as_it_was() -> None:
    post = filled(0)
    post.sqs.put("dlq", envelope(), source="orders")
    assert post.redrive() is ExitCode.DONE
    assert bodies(post, "orders") == [envelope()]
    assert post.functions.given == []


@pytest.mark.parametrize("qualifier", ["$LATEST", "3"])
def test_hazard_13_which_version_runs_is_chosen_deliberately(qualifier: str) -> None:
    post = filled(0)
    post.sqs.put("dlq", envelope(qualifier))
    assert post.redrive() is ExitCode.PARTIAL
    assert post.functions.given == []
    post.alias["orders"] = "live"
    assert post.redrive() is ExitCode.DONE
    assert [alias for _, alias, _, _ in post.functions.given] == ["live"]


def test_hazard_14_a_run_that_may_outlast_the_retention_says_so() -> None:
    post = filled(30)
    post.sqs.boxes["dlq"].retention = timedelta(minutes=10)
    slow = post.request(quick(rate=Rate(1, timedelta(minutes=1))))
    (found,) = post.prepare(slow).findings
    assert "may expire meanwhile" in found.message


def test_hazard_14_what_expired_meanwhile_is_nobody_s_fault() -> None:
    post = filled(30)
    post.sqs.boxes["dlq"].retention = timedelta(seconds=70)
    assert post.redrive(post.request(quick(rate=Rate(1, timedelta(seconds=1))))) is ExitCode.DONE


@pytest.mark.parametrize("aside", ["", "quarantine"])
def test_hazard_15_a_queue_that_is_gone_is_no_crash(post: Post, aside: str) -> None:
    post.sqs.box("quarantine")
    for number in range(5):
        post.sqs.put("dlq", f"lost {number}", source="gone")
    plan = quick(quarantine=arn_of("quarantine") if aside else "")
    code = post.redrive(post.request(plan))
    assert len(bodies(post, "orders")) == 30
    assert code is (ExitCode.DONE if aside else ExitCode.PARTIAL)
    assert len(bodies(post, "quarantine" if aside else "dlq")) == 5


def test_hazard_16_nobody_begins_while_sqs_itself_moves(post: Post) -> None:
    post.moves.append(Move("RUNNING", 3, 30, post.clock.now(), "handle"))
    with pytest.raises(RedriveInProgressError, match="SQS itself is moving"):
        post.prepare(post.request())


def test_hazard_16_two_operators(post: Post) -> None:
    post.process()
    with pytest.raises(Exception, match="drives this"):
        post.process()


# -- what stops it -----------------------------------------------------------------------------------------------------


def in_hand(process: Process) -> bool:
    """Whether the worker has received letters and is about to ask whether it may send them."""
    deed = process.deeds[0]
    return isinstance(deed, Turn) and bool(deed.wanted)


@pytest.mark.parametrize("kind", ["breach", "flap", "gone"])
def test_at_most_one_batch_follows_an_alarm(post: Post, kind: str) -> None:
    post.alarm("errors")
    process = post.process(post.request(quick(stop_alarms=("errors",))))
    while len(post.sqs.boxes["orders"].sent) < 10 or not in_hand(process):
        process.step(0)
    before = len(post.sqs.boxes["orders"].sent)
    post.clock.advance(timedelta(seconds=1))
    if kind == "gone":
        del post.alarms["errors"]
    else:
        post.alarm("errors", AlarmState.ALARM if kind == "breach" else AlarmState.OK)
    process.finish()
    assert len(post.sqs.boxes["orders"].sent) == before, "no batch was granted yet: none follows"
    held = post.run().held
    assert held is not None
    assert held.cause is Stopped.ALARM
    assert post.run().open
    assert visible(post, "dlq")
    del post.alarms  # an alarm that is OK again, for who resumes
    post.alarms = {}
    post.alarm("errors")
    assert post.redrive(post.request(quick(stop_alarms=("errors",)))) is ExitCode.DONE
    assert len(post.sqs.boxes["orders"].sent) == 30


@pytest.mark.parametrize("back", [timedelta(seconds=2), timedelta(hours=1)])
def test_at_most_one_batch_follows_an_alarm_when_the_clock_is_set_back(post: Post, back: timedelta) -> None:
    post.alarm("errors")
    process = post.process(post.request(quick(stop_alarms=("errors",))))
    while len(post.sqs.boxes["orders"].sent) < 10:
        process.step(0)
    post.machine.behind = back
    process.step(0)
    post.alarm("errors", AlarmState.ALARM)
    post.clock.advance(timedelta(seconds=1))
    process.finish()
    assert len(post.sqs.boxes["orders"].sent) <= 20
    held = post.run().held
    assert held is not None
    assert held.cause is Stopped.ALARM


def test_a_clock_that_is_set_back_delays_no_stage_and_no_watch() -> None:
    post = filled(30)
    process = post.process(post.request(quick(stages=(5, 12, ALL), workers=3, rate=Rate(2, timedelta(seconds=1)))))
    began, turn = post.clock.now(), 0
    while process.alive:
        process.step(turn)
        turn += 1
        post.machine.behind = timedelta(hours=len(post.sqs.boxes["orders"].sent) // 3)
        assert post.clock.now() - began < timedelta(minutes=2)
    process.close()
    assert len(post.sqs.boxes["orders"].sent) == 30


@pytest.mark.parametrize("state", [AlarmState.ALARM, None])
def test_an_alarm_that_objects_or_is_missing_blocks_the_beginning(post: Post, state: AlarmState | None) -> None:
    if state is not None:
        post.alarm("errors", state)
    with pytest.raises(BlockedError):
        post.redrive(post.request(quick(stop_alarms=("errors",))))
    assert post.journal.entries == []


@pytest.mark.parametrize(("error", "stops"), [(ThrottledError("slow"), False), (AccessDeniedError("no"), True)])
def test_an_alarm_that_cannot_be_read_lets_nothing_through(post: Post, error: Any, stops: bool) -> None:
    post.alarm("errors")
    process = post.process(post.request(quick(stop_alarms=("errors",))))
    post.blind = error
    for _ in range(60):
        if process.alive:
            process.step(0)
    assert post.sqs.boxes["orders"].sent == []
    assert process.alive is not stops
    post.blind = None
    process.finish()
    assert len(post.sqs.boxes["orders"].sent) == (0 if stops else 30)


def test_ctrl_c_ends_the_batch_in_flight_and_gives_back_the_rest(post: Post) -> None:
    process = post.process()
    while not post.sqs.boxes["orders"].sent:
        process.step(0)
    post.asked = (Signal.HOLD, "Ctrl-C")
    process.finish()
    assert len(post.sqs.boxes["orders"].sent) == 10
    assert len(bodies(post, "dlq")) == 20
    assert visible(post, "dlq")
    held = post.run().held
    assert held is not None
    assert held.cause is Stopped.INTERRUPTED
    post.asked = None
    assert post.redrive() is ExitCode.DONE
    assert len(post.sqs.boxes["orders"].sent) == 30


def test_a_pause_sends_nothing_until_somebody_lets_it_go_on(post: Post) -> None:
    process = post.process()
    while not post.sqs.boxes["orders"].sent:
        process.step(0)
    post.ask(Wish.PAUSE, process.id, "the database is slow")
    post.clock.advance(timedelta(seconds=1))
    for _ in range(100):
        process.step(0)
    assert len(post.sqs.boxes["orders"].sent) == 10
    assert post.run().paused
    post.ask(Wish.RESUME, process.id)
    process.finish()
    assert len(post.sqs.boxes["orders"].sent) == 30


def test_what_was_cancelled_is_over(post: Post) -> None:
    process = post.process()
    post.ask(Wish.CANCEL, process.id, "wrong queue")
    post.clock.advance(timedelta(seconds=1))
    process.finish()
    closed = post.run().closed
    assert closed is not None
    assert closed.ending is Ending.CANCELLED
    assert "wrong queue" in closed.reason


def test_stages_hold_to_their_totals_and_a_rate_to_its_pace(post: Post) -> None:
    process = post.process(post.request(quick(stages=(5, 12, ALL), workers=3, rate=Rate(2, timedelta(seconds=1)))))
    began = post.clock.now()
    totals = []
    turn = 0
    while process.alive:
        process.step(turn)
        turn += 1
        sent, passed = len(post.sqs.boxes["orders"].sent), (post.clock.now() - began).total_seconds()
        assert sent <= 2 + 2 * passed + 1
        if process.shift.desk.watching is not None:
            totals.append(sent)
    assert sorted(set(totals)) == [5, 12]


def test_another_plan_for_a_run_that_is_open_is_refused(post: Post) -> None:
    post.process().kill()
    with pytest.raises(PlanDiffersError):
        post.prepare(post.request(quick(limit=3)))
    assert post.prepare(post.request()).unfinished is not None


def test_a_redrive_to_the_queue_itself_or_of_another_type_is_blocked(post: Post) -> None:
    post.sqs.box("other.fifo")
    for name in ("dlq", "other.fifo"):
        to = ToQueue(arn_of(name))
        with pytest.raises(BlockedError):
            post.redrive(post.request(quick(to=to.arn), to))
    assert bodies(post, "dlq") == [str(n) for n in range(30)]


def test_credentials_that_end_in_mid_run_stop_it_and_nothing_is_lost(post: Post) -> None:
    process = post.process()
    while not post.sqs.boxes["orders"].sent:
        process.step(0)
    denied = Fault(AccessDeniedError("no"))
    post.sqs.faults = lambda _: denied
    process.finish()
    held = post.run().held
    assert held is not None
    assert held.cause is Stopped.FAILED
    post.sqs.faults = lambda _: None
    assert post.redrive() is ExitCode.DONE
    assert sorted(map(int, bodies(post, "orders"))) == list(range(30))


def test_to_a_function_that_is_gone_nothing_is_deleted(post: Post) -> None:
    post.functions.missing.add("orders")
    for message in post.sqs.boxes["dlq"].messages:
        message.source = None
        message.attributes = {"RequestID": Attribute("String", "r"), "ErrorCode": Attribute("Number", "200")}
    to = ToFunction("orders", "live")
    assert post.redrive(post.request(quick(to="orders:live"), to)) is ExitCode.PARTIAL
    assert len(bodies(post, "dlq")) == 30


def test_no_body_and_no_attribute_stands_in_the_journal() -> None:
    post = filled(0)
    post.sqs.put("dlq", "very secret", {"who": Attribute("String", "hidden name")}, source="orders")
    post.redrive()
    told = "".join(str(entry) for entry in post.journal.entries)
    assert any(isinstance(entry.event, RedriveStep) for entry in post.journal.entries)
    assert "secret" not in told
    assert "hidden" not in told
