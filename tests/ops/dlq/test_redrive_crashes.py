"""Random queues, faults, kills at any step, requests at any step: nothing is lost, and nothing is sent twice but what a
killed process had in hand.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st

from lambdaops.core.dlq.letter import Attribute
from lambdaops.core.dlq.plan import ALL, Rate, RedrivePlan
from lambdaops.core.dlq.records import Ending, RedriveStep, Wish
from lambdaops.core.errors import ExitCode
from tests.sim.queues import BROKEN, BROKEN_AFTER, LOST, THROTTLED, TIMED_OUT, Fault, arn_of
from tests.sim.redriving import Post, Process, quick

FAULTS = st.one_of(
    st.none(),
    st.sampled_from([THROTTLED, TIMED_OUT, LOST, BROKEN, BROKEN_AFTER]),
    st.builds(
        Fault,
        refused=st.lists(st.integers(0, 9), max_size=4).map(tuple),
        slow=st.sampled_from([timedelta(), timedelta(seconds=5), timedelta(seconds=100)]),
    ),
)


@dataclass
class Story:
    """What happens in one example."""

    letters: int
    groups: int
    workers: int
    seed: int
    faults: dict[int, Fault | None]
    kills: list[int]
    gaps: list[int]
    order: list[int]
    stages: tuple[int, ...]
    rate: Rate | None
    wishes: list[tuple[int, Wish]]


STORIES = st.builds(
    Story,
    letters=st.integers(0, 60),
    groups=st.integers(1, 4),
    workers=st.integers(1, 3),
    seed=st.integers(0, 1000),
    faults=st.dictionaries(st.integers(0, 120), FAULTS, max_size=12),
    kills=st.lists(st.integers(1, 120), max_size=4),
    gaps=st.lists(st.sampled_from([0, 5, 60, 130, 200, 235, 270, 400, 3_600]), min_size=4, max_size=4),
    order=st.lists(st.integers(0, 2), min_size=1, max_size=40),
    stages=st.sampled_from([(ALL,), (3, ALL), (10, 20, ALL)]),
    rate=st.sampled_from([None, Rate(5, timedelta(seconds=1)), Rate(40, timedelta(minutes=1))]),
    wishes=st.lists(st.tuples(st.integers(0, 200), st.sampled_from([Wish.PAUSE, Wish.RESUME])), max_size=2),
)


def post_of(story: Story, *, fifo: bool) -> Post:
    post = Post()
    post.sqs.seed = story.seed
    end = ".fifo" if fifo else ""
    post.sqs.box(f"dlq{end}")
    post.sqs.box(f"orders{end}", dead_letters=f"dlq{end}", max_receives=3)
    for number in range(story.letters):
        attributes = {"n": Attribute("Number", str(number)), "raw": Attribute("Binary.png", bytes([number]))}
        group = f"g{number % story.groups}" if fifo or number % 3 == 0 else None
        source = f"orders{end}"
        post.sqs.put(f"dlq{end}", f"letter {number}", attributes, source=source, group=group, trace=f"Root=1-{number}")
    calls = iter(range(100_000))
    # A look before the run that fails is an error at once: what is tested here is the run.
    post.sqs.faults = lambda call: story.faults.get(next(calls)) if call != "find" else None
    return post


def play(post: Post, story: Story, plan: RedrivePlan) -> int:
    """Run it, kill it where the story says, resume it each time; how many kills there were."""
    order = iter(story.order)
    killed = 0

    def choose() -> int:
        nonlocal order
        try:
            return int(next(order))
        except StopIteration:
            order = iter(story.order)
            return int(next(order))

    wishes = list(story.wishes)
    for kill, gap in [*zip(story.kills, story.gaps, strict=False), (None, 0)]:
        process: Process = post.process(post.request(plan))
        steps = 0
        paused = 0
        while process.alive:
            if kill is not None and steps == kill:
                break
            for at, wish in list(wishes):
                if at == steps:
                    post.ask(wish, process.id)
                    wishes.remove((at, wish))
            paused = paused + 1 if process.shift.desk.paused else 0
            if paused and paused % 20 == 0:  # again, where another pause was heard together with the last answer to one
                post.ask(Wish.RESUME, process.id)
            process.step(choose() + steps // 20)  # no worker sleeps for ever
            steps += 1
            assert steps < 30_000, "it does not end"
        if process.alive:
            process.kill()
            killed += 1
            post.clock.advance(timedelta(seconds=gap))
            continue
        process.close()
        if not post.run().open:
            break
    return killed


def sends(post: Post, name: str) -> Counter[str]:
    return Counter(message.body for message in post.sqs.boxes[name].sent)


@given(STORIES)
def test_nothing_is_lost_and_duplicates_are_few(story: Story) -> None:
    post = post_of(story, fifo=False)
    before = Counter(post.sqs.essences("dlq"))
    plan = quick(workers=story.workers, stages=story.stages, rate=story.rate)
    killed = play(post, story, plan)
    event(f"killed {killed} times")
    run = post.run()
    event(run.closed.ending.value if run.closed else f"open: {run.held.cause.value if run.held else 'killed'}")
    there = Counter(post.sqs.essences("dlq", "orders"))
    assert not before - there, "lost"
    assert set(there) <= set(before), "changed"
    twice = sum((there - before).values())
    unsure = sum(1 for fault in story.faults.values() if fault is not None and (fault.after or fault.slow))
    assert twice <= 10 * (killed * story.workers + unsure * 2), f"{twice} duplicates"
    if not story.faults and not killed:
        assert run.closed is not None
        assert run.moved == story.letters
        assert not post.sqs.essences("dlq")


# Sent and killed, sent again and killed, and again when the queue had forgotten the first.
TWO_KILLS = Story(16, 2, 3, 0, {}, [100, 119], [60, 200, 0, 0], [0], (3, ALL), None, [])


@example(TWO_KILLS)
@given(STORIES)
def test_fifo_nothing_is_lost_nothing_twice_and_order_is_kept(story: Story) -> None:
    """Hazards 5 and 6: no duplicate at all, and every group in its order, whatever fails and whoever is killed."""
    post = post_of(story, fifo=True)
    before = Counter(post.sqs.essences("dlq.fifo"))
    plan = quick(workers=story.workers, stages=story.stages, rate=story.rate)
    killed = play(post, story, plan)
    event(f"killed {killed} times")
    delivered = sends(post, "orders.fifo")
    assert not {body for body, count in delivered.items() if count > 1}, "twice"
    there = Counter(post.sqs.essences("dlq.fifo", "orders.fifo"))
    assert not before - there, "lost"
    assert set(there) <= set(before), "changed"
    closed = post.run().closed
    if closed is not None and closed.ending is Ending.MOVED:
        assert closed.tally.moved == story.letters
    for group in {message.group for message in post.sqs.boxes["orders.fifo"].sent}:
        numbers = [int(one.attributes["n"].value) for one in post.sqs.boxes["orders.fifo"].sent if one.group == group]
        assert numbers == sorted(numbers), "out of order"


@given(STORIES)
def test_hazard_4_poison_that_comes_back_at_once_does_not_keep_it_running(story: Story) -> None:
    post = post_of(story, fifo=False)
    post.sqs.on_send = lambda box, message: post.sqs.bury(box.name, message)
    plan = quick(workers=story.workers, stages=story.stages, max_reentry=10_000)
    play(post, story, plan)
    run = post.run()
    if run.closed is not None:
        assert run.sent <= story.letters * (1 + len(story.kills))
        assert set(Counter(body for body, *_ in post.sqs.essences("dlq"))) == {
            f"letter {number}" for number in range(story.letters)
        }


@given(STORIES, st.integers(0, 80))
def test_whoever_ends_it_finds_every_letter_visible(story: Story, when: int) -> None:
    post = post_of(story, fifo=False)
    story.faults.clear()
    process = post.process(post.request(quick(workers=story.workers, stages=story.stages, rate=story.rate)))
    steps = 0
    while process.alive:
        if steps == when:
            post.ask(Wish.CANCEL, process.id, "enough")
        process.step(story.order[steps % len(story.order)] + steps // 20)
        steps += 1
    process.close()
    run = post.run()
    assert run.closed is not None
    now = post.clock.now()
    assert all(one.visible_at is None or one.visible_at <= now for one in post.sqs.boxes["dlq"].messages)
    assert len(post.sqs.boxes["dlq"].messages) + len(post.sqs.boxes["orders"].messages) == story.letters


def test_what_two_processes_that_died_had_in_hand_is_counted_once() -> None:
    """The first dies before its send, the second sends the same letters, and dies too."""
    post = Post()
    post.sqs.box("dlq")
    post.sqs.box("orders", dead_letters="dlq", max_receives=3)
    for number in range(20):
        post.sqs.put("dlq", f"letter {number}", source="orders")
    first = post.process()
    while not any(isinstance(one.event, RedriveStep) for one in post.journal.entries):
        first.step(0)
    first.kill()
    post.clock.advance(timedelta(minutes=3))
    second = post.process()
    while len(post.sqs.boxes["orders"].messages) < 20:
        second.step(0)
    second.kill()
    post.clock.advance(timedelta(minutes=3))
    assert post.redrive() is ExitCode.DONE
    closed = post.run().closed
    assert closed is not None
    assert closed.tally.moved == 20


@pytest.mark.parametrize("gap", [24, 25])
def test_two_pauses_are_both_answered(gap: int) -> None:
    wishes = [(100, Wish.PAUSE), (100 + gap, Wish.PAUSE)]
    story = Story(12, 1, 1, 0, {}, [], [], [0], (ALL,), Rate(40, timedelta(minutes=1)), wishes)
    post = post_of(story, fifo=False)
    play(post, story, quick(stages=story.stages, rate=story.rate))
    assert post.run().moved == 12


def test_a_plain_redrive_moves_everything() -> None:
    post = Post()
    post.sqs.box("dlq")
    post.sqs.box("orders", dead_letters="dlq", max_receives=3)
    for number in range(35):
        post.sqs.put("dlq", f"letter {number}", source="orders")
    assert post.redrive(post.request(quick(workers=2))) is ExitCode.DONE
    assert len(post.sqs.boxes["orders"].messages) == 35
    assert not post.sqs.boxes["dlq"].messages
    assert post.run().moved == 35
    assert post.run().plan.queue == arn_of("dlq")
