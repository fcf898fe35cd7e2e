"""Steering a release from another shell: requests go through the journal, and the answer comes back the same way.

Rules this file guarantees: a request is on record, with who and why, before anybody acts on it; it needs the journal
and no answer of AWS (a name that STS will not tell is recorded as unknown); what is asked of a release that nobody
drives is refused with the next step, but going back never is: an abort that no process heeds is carried out here.
"""

from __future__ import annotations

import contextlib
import itertools
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from lambdaops.core.errors import NobodyDrivesError, NothingOpenError, UnheededError
from lambdaops.core.events import Closed, Decided, Entry, Failed, Landed, RolledBack, Signalled
from lambdaops.core.notices import Warned
from lambdaops.core.playbook.tags import same_step
from lambdaops.core.replay import Release, open_release, phase, releases, tells_now
from lambdaops.core.states import Awaiting, Done, Held, Outcome, Paused, Promoting, Reverting, Signal, State
from lambdaops.ops.recorder import Recorder, actor_if_known
from lambdaops.ops.release import Ended, continues, look, take_up
from lambdaops.ops.rollback import Rollback, roll_back
from lambdaops.ports import Journal, Lease

if TYPE_CHECKING:
    from lambdaops.core.model import Target
    from lambdaops.ports import Ports

_LISTEN_EVERY = timedelta(milliseconds=100)
_LOOKS_A_SECOND = 10
# One call to AWS may be in flight (five seconds to connect, ten to read, retried), then the request is heard.
_HEED_WITHIN = timedelta(seconds=45)
_ABORT_WITHIN = timedelta(seconds=5)
_WRITE_WITHIN = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Steered:
    """What a request led to: the release, its state afterwards, and the reason in the driver's words."""

    release: Release
    state: State
    reason: str
    changed: bool


@dataclass(frozen=True, slots=True)
class Found:
    """The release that is to be steered, and who drives it."""

    arn: str
    journal: Journal
    release: Release
    lease: Lease | None

    @property
    def live(self) -> bool:
        """Whether a process is there to heed a request."""
        return self.lease is not None and self.lease.live


def find(ports: Ports, target: Target, arn: str) -> Found:
    """The open release of a target in this machine's journal; asks nothing of AWS.

    Raises:
        NothingOpenError: there is none.
        JournalTamperedError, InvalidFileError: the journal cannot be used.
    """
    journal = ports.journals.open(arn)
    release = open_release(journal.recent(tells_now).entries)
    if release is None:
        raise NothingOpenError(
            f"no release of {target} is open in its journal: there is nothing to steer",
            hint=f"lambdaops status {target.again} shows how it stands.",
            target=str(target),
        )
    return Found(arn, journal, release, ports.journals.driver(arn))


def asked_before(ports: Ports, target: Target, arn: str) -> Steered | None:
    """What came of the request that was made for the step we are (``ports.run``); None if none was made.

    Raises:
        NobodyDrivesError, UnheededError: it was made, and nobody heard it.
        JournalTamperedError, InvalidFileError: the journal cannot be used.
    """
    journal = ports.journals.open(arn)
    entries = journal.read().entries
    made = [one for one in entries if isinstance(one.event, Signalled) and same_step(ports.run, one.actor.run)]
    if not made:
        return None
    release = next(one for one in releases(entries) if one.id == made[-1].release)
    found = Found(arn, journal, release, ports.journals.driver(arn))
    request, seq = made[-1].event, made[-1].seq or 0
    assert isinstance(request, Signalled)  # noqa: S101 -- such were looked for
    if found.live:
        return replace(_led_to(ports, target, found, request.signal, seq), changed=True)
    answer = next((one.event for one in entries if one.release == release.id and _answers_after(one, seq)), None)
    match answer:  # what became of the release since is not the request's doing
        case Decided(state=state, reason=reason):
            return Steered(release, state, reason, True)
        case Closed(outcome=outcome, reason=reason):
            return Steered(release, Done(outcome, reason), reason, True)
        case _:
            pass
    if release.undone is None:
        raise _nobody(target, found)
    reason = _ended_by(release.undone)
    return Steered(release, Done(Outcome.SUPERSEDED, reason), reason, True)


def aborted_before(ports: Ports, arn: str) -> Steered | None:
    """The release that was taken back for the step we are, by its process or by us; None if none was.

    Raises:
        JournalTamperedError, InvalidFileError: the journal cannot be used.
    """
    entries = ports.journals.open(arn).read().entries
    ours = [one for one in entries if same_step(ports.run, one.actor.run)]
    asked = {one.release for one in ours if isinstance(one.event, Signalled)}
    back = {one.seq for one in ours if isinstance(one.event, RolledBack)}
    for release in reversed(releases(entries)):
        if release.undone is not None and (release.undone.seq in back or release.id in asked):
            why = _ended_by(release.undone)
            return Steered(release, Done(Outcome.SUPERSEDED, why), why, True)
        if release.id in asked and release.closed is not None and release.closed.outcome is not Outcome.PROMOTED:
            return Steered(release, Done(release.closed.outcome, release.closed.reason), release.closed.reason, True)
    return None


def _ended_by(rollback: Entry) -> str:
    return f"ended by rollback {rollback.release}"


def ask_for(ports: Ports, target: Target, found: Found, wanted: Signalled) -> Steered:
    """Ask the process that drives the release, and wait until it has answered and done what it decided.

    Raises:
        NobodyDrivesError: no live process drives it, or none any more; nothing was asked, or nobody heard it.
        UnheededError: the process exists, but does not listen: it is stopped, or its machine sleeps.
        JournalUnwritableError: the request could not be recorded.
    """
    if not found.live:
        raise _nobody(target, found)
    return _led_to(ports, target, found, wanted.signal, _ask(ports, found, wanted))


def _led_to(ports: Ports, target: Target, found: Found, signal: Signal, seq: int) -> Steered:
    """What the request of this number led to, once it is done; raises as :func:`ask_for`."""
    steered = _answered(ports, found, seq, _HEED_WITHIN)
    if steered is None:
        lease = ports.journals.driver(found.arn)
        if lease is None or not lease.live:
            raise _nobody(target, replace(found, lease=lease))
        raise UnheededError(
            f"{signal.value} of {target} is in the journal, but {_who(found.lease)} has not taken it up within "
            f"{int(_HEED_WITHIN.total_seconds())} s: it may be stopped or asleep",
            hint=f"lambdaops rollback {target.again} needs no other process and takes all traffic back.",
            target=str(target),
        )
    return steered


def resume(ports: Ports, target: Target, found: Found, reason: str) -> Steered | Ended:
    """Let a paused or waiting release go on; one whose process is gone is taken up by this process.

    Raises:
        NobodyDrivesError is never raised: this process drives.
        ReleaseInProgressError, NotFoundError, JournalUnwritableError, AwsError: nothing was changed.
    """
    wanted = Signalled(Signal.RESUME, reason)
    if found.live:
        # Of a process on another machine only its silence shows that it died.
        with contextlib.suppress(NobodyDrivesError):
            return ask_for(ports, target, found, wanted)
    situation = look(ports, target)
    unfinished = continues(situation, found.release.plan.candidate)
    if unfinished is None:
        return ask_for(ports, target, find(ports, target, found.arn), wanted)
    waits = unfinished.state.at if isinstance(unfinished.state, Held) else unfinished.state
    return take_up(ports, situation, unfinished, wanted if isinstance(waits, Paused | Awaiting) else None)


def abort(ports: Ports, target: Target, found: Found, reason: str, ticket: str) -> Steered | Rollback:
    """Take the release back: by the process that drives it if it heeds that at once, else right here.

    Raises:
        RollbackIncompleteError, AwsError: as a rollback.
    """
    if found.live:
        seq = _ask(ports, found, Signalled(Signal.ROLLBACK, reason))
        steered = _answered(ports, found, seq, _ABORT_WITHIN)
        if steered is not None and isinstance(steered.state, Done) and steered.state.outcome is not Outcome.PROMOTED:
            return steered
        ports.sink.emit(
            Warned(ports.clock.now(), f"{_who(found.lease)} has not rolled {target} back yet: doing it here")
        )
    return roll_back(ports, target, None, reason, ticket)


def _ask(ports: Ports, found: Found, wanted: Signalled) -> int:
    recorder = Recorder(ports, found.journal, found.arn, found.release.id, actor_if_known(ports))
    return recorder.record(wanted).seq or 0


def _answered(ports: Ports, found: Found, seq: int, within: timedelta) -> Steered | None:
    """Follow the journal until the request is answered and what was decided is done; None when time is up."""
    left, extended, heard = within, False, seq
    mine: list[Entry] = []
    looks, gone = itertools.count(1), False
    while left > timedelta() and not gone:
        if next(looks) % _LOOKS_A_SECOND == 0:
            # What it wrote before it went is read below.
            lease = ports.journals.driver(found.arn)
            gone = lease is None or not lease.live
        for entry in found.journal.since(heard):
            heard = entry.seq or heard
            if entry.release == found.release.id:
                ports.sink.emit(entry)
                mine.append(entry)
        answer = next((n for n, entry in enumerate(mine) if _answers(entry, seq)), None)
        if answer is not None:
            if _settled(mine[answer:]):
                return _steered(found, mine[answer:])
            if not extended:
                left, extended = max(left, _WRITE_WITHIN), True
        ports.clock.sleep(_LISTEN_EVERY)
        left -= _LISTEN_EVERY
    answer = next((n for n, entry in enumerate(mine) if _answers(entry, seq)), None)
    return None if answer is None else _steered(found, mine[answer:])


def _answers_after(entry: Entry, seq: int) -> bool:
    return (entry.seq or 0) > seq and _answers(entry, seq)


def _answers(entry: Entry, seq: int) -> bool:
    match entry.event:
        case Decided(answers=int() as answered):
            return answered >= seq
        case Closed():
            return True
        case _:
            return False


def _settled(after: list[Entry]) -> bool:
    """Whether what the answer began has ended: a write that was decided on has landed or failed, a reversal is over."""
    first = after[0].event
    if isinstance(first, Closed) or any(isinstance(entry.event, Closed) for entry in after):
        return True
    states = [entry.event.state for entry in after if isinstance(entry.event, Decided)]
    if any(isinstance(state, Held) for state in states):
        return True
    if isinstance(states[0], Reverting):
        return False
    if isinstance(states[0], Promoting):
        return any(isinstance(entry.event, Landed | Failed) for entry in after)
    return True


def _steered(found: Found, after: list[Entry]) -> Steered:
    entries = found.journal.read().entries
    release = next(one for one in releases(entries) if one.id == found.release.id)
    first = after[0].event
    reason = first.reason if isinstance(first, Decided | Closed) else ""
    closed = release.closed
    state = Done(closed.outcome, closed.reason) if closed is not None else release.state
    return Steered(release, state, reason, changed=release.state != found.release.state)


def _nobody(target: Target, found: Found) -> NobodyDrivesError:
    died = f": {_who(found.lease)} is gone" if found.lease is not None else ""
    return NobodyDrivesError(
        f"release {found.release.id} of {target} ({phase(found.release.state)}) is open, but nobody drives it{died}",
        hint=f"lambdaops resume {target.again} takes it up here; lambdaops abort {target.again} takes it back.",
        target=str(target),
    )


def _who(lease: Lease | None) -> str:
    return f"pid {lease.pid} on {lease.host}" if lease is not None and lease.pid else "the process that drives it"
