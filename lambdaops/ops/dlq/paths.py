"""Every way that a failed event of a function goes, looked up where AWS keeps it; and the ways that lead nowhere.

Rules this file guarantees: nothing is written, nothing is received; what cannot be read is said to be unknown, never
taken for fine; CloudWatch's word (ages, counts) is optional, configuration is not.

Facts: Lambda guide, *Retaining records of asynchronous invocations* (a dead-letter queue belongs to a version, settings
and destination to exactly the function, version or alias that is invoked), *Kinesis: error handling*; SQS guide,
*Dead-letter queues* (a standard queue's message keeps its first enqueue time when it is moved).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from lambdaops.core.dlq.letter import Queue
from lambdaops.core.dlq.paths import (
    AsyncSettings,
    AsyncTraffic,
    Depth,
    FailurePath,
    Means,
    PathsReport,
    Published,
)
from lambdaops.core.duration import format_duration
from lambdaops.core.errors import AccessDeniedError, AwsError, NotFoundError
from lambdaops.core.model import LATEST
from lambdaops.ports.queues import Queues

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from lambdaops.core.dlq.paths import AliasVersions, Mapped
    from lambdaops.ports.queues import FailurePaths

WITHIN = timedelta(days=7)
"""How far back asynchronous events are counted."""
_ASYNC = "asynchronous"
_STREAMS = {"kinesis", "dynamodb", "kafka"}


def failure_paths(failures: FailurePaths, queues: Queues, function: str, alias: str, now: datetime) -> PathsReport:
    """Find every failure path of a function, or of one alias of it (``alias`` is empty for all).

    Raises:
        NotFoundError: there is no such function or alias.
        AwsError: denied, throttled, unreachable.
    """
    published, aliases = failures.published(function), failures.aliases(function)
    if alias and alias not in {one.alias for one in aliases}:
        there = ", ".join(one.alias for one in aliases) or "none"
        raise NotFoundError(f"{function} has no alias {alias}", hint=f"It has: {there}.", target=f"{function}:{alias}")
    traffic, notes = _traffic(failures, function)
    names = [one.alias for one in aliases]
    mapped = [one for one in failures.mapped(function, names) if not alias or one.qualifier == alias]
    look = _Look(queues, function, published, failures.settings(function), traffic)
    found = [
        *look.of_aliases([one for one in aliases if not alias or one.alias == alias]),
        *(() if alias else look.of_the_rest(aliases)),
        *(path for one in mapped for path in look.of_source(one)),
    ]
    ages, more = _ages(failures, found)
    paths = tuple(_aged(path, ages) for path in found)
    return PathsReport(function, alias, now, paths, (*notes, *more))


def _traffic(failures: FailurePaths, function: str) -> tuple[AsyncTraffic | None, tuple[str, ...]]:
    try:
        found = failures.traffic(function, WITHIN)
    except AwsError as error:
        return None, (f"whether asynchronous events come at all is not known: {error.message}",)
    days = format_duration(WITHIN)
    said = (
        (found.dead_letter_errors, "could not be sent to the dead-letter queue"),
        (found.destination_errors, "could not be sent to the destination"),
        (found.dropped, "were dropped before they ran: too old, or throttled too long"),
    )
    why = " (is it gone, or may the function's role not sqs:SendMessage there?)"
    return found, tuple(
        f"{count} asynchronous events of the last {days} {what}{why if 'sent' in what else ''}"
        for count, what in said
        if count
    )


def _ages(failures: FailurePaths, found: list[FailurePath]) -> tuple[dict[str, timedelta], tuple[str, ...]]:
    arns = sorted({path.to for path in found if path.depth is not None})
    if not arns:
        return {}, ()
    try:
        return failures.oldest(arns), ()
    except AwsError as error:
        return {}, (f"how old messages are is not known: {error.message}",)


def _aged(path: FailurePath, ages: dict[str, timedelta]) -> FailurePath:
    if path.depth is None or not path.depth.messages or path.to not in ages:
        return path
    age = ages[path.to]
    left = max(path.depth.retention - age, timedelta())
    return replace(path, depth=replace(path.depth, oldest=age, expires=left))


@dataclass
class _Look:
    queues: Queues
    function: str
    published: tuple[Published, ...]
    settings: tuple[AsyncSettings, ...]
    traffic: AsyncTraffic | None
    _known: dict[str, Queue | str] = field(default_factory=dict)

    # -- asynchronous events -----------------------------------------------------------------------------------------

    def of_aliases(self, aliases: list[AliasVersions]) -> Iterator[FailurePath]:
        """By each alias: its own settings, and the dead-letter queue of the versions that it points at."""
        for one in aliases:
            yield from self._asynchronous(one.alias, one.versions, quiet=self._idle)

    def of_the_rest(self, aliases: tuple[AliasVersions, ...]) -> Iterator[FailurePath]:
        """By no alias: the unpublished code, and versions that have something of their own."""
        # With aliases, callers are meant to use them: what happens past them is told, and not called a loss.
        yield from self._asynchronous(LATEST, (LATEST,), quiet=self._idle or bool(aliases))
        pointed = {version for one in aliases for version in one.versions}
        set_by_version = {one.qualifier for one in self.settings}
        apart: dict[str, list[str]] = {}
        for one in self.published:
            if one.version in set_by_version and one.version != LATEST:
                yield from self._asynchronous(one.version, (one.version,), quiet=True)
            elif one.dead_letters and one.version not in pointed | {LATEST}:
                apart.setdefault(one.dead_letters, []).append(one.version)
        for arn, versions in apart.items():
            note = "frozen into versions that no alias points at"
            yield self._ending(FailurePath(_ASYNC, "", tuple(versions), Means.FUNCTION, arn, notes=(note,)))

    @property
    def _idle(self) -> bool:
        return self.traffic is not None and not self.traffic.received

    def _asynchronous(self, through: str, versions: tuple[str, ...], *, quiet: bool) -> Iterator[FailurePath]:
        own = next((one for one in self.settings if one.qualifier == through), None)
        usual = own or AsyncSettings(through)
        if usual.on_failure:
            yield self._ending(FailurePath(_ASYNC, through, (), Means.DESTINATION, usual.on_failure))
        dead = {one.version: one.dead_letters for one in self.published}
        of_version = {version: dead.get(version, "") for version in versions}
        for arn in dict.fromkeys(of_version.values()):
            those = tuple(version for version, its in of_version.items() if its == arn)
            # One alias, two versions, two queues: a release or a rollback changes where failed events go.
            notes = ("the alias's other version has another",) if len(set(of_version.values())) > 1 else ()
            if arn:
                yield self._ending(FailurePath(_ASYNC, through, those, Means.FUNCTION, arn, notes=notes))
            elif not usual.on_failure:
                yield self._nowhere(usual, those, notes, known=own is not None, quiet=quiet)

    def _nowhere(
        self, usual: AsyncSettings, versions: tuple[str, ...], notes: tuple[str, ...], *, known: bool, quiet: bool
    ) -> FailurePath:
        what = f"an event that fails {_times(usual.retries)}, or waits {format_duration(usual.max_age)}, is lost"
        path = FailurePath(_ASYNC, usual.qualifier, versions, Means.NOWHERE, notes=notes)
        if quiet:
            why = f"none came in the last {format_duration(WITHIN)}" if self._idle else "callers should use an alias"
            return replace(path, notes=(*notes, f"{what}; {why}"))
        # Put replaces the whole configuration, and forgets what is left out (Lambda API reference).
        verb = "update" if known else "put"
        qualifier = "" if usual.qualifier == LATEST else f" --qualifier {usual.qualifier}"
        hint = (
            f"aws lambda {verb}-function-event-invoke-config --function-name {self.function}{qualifier} "
            '--destination-config \'{"OnFailure":{"Destination":"QUEUE-ARN"}}\''
        )
        return replace(path, lost=what, hint=hint)

    # -- what mappings poll ------------------------------------------------------------------------------------------

    def of_source(self, one: Mapped) -> Iterator[FailurePath]:
        """What becomes of a batch of a queue or stream that keeps failing."""
        notes = () if one.enabled else ("the mapping is disabled",)
        path = FailurePath(one.source, one.qualifier or LATEST, (), Means.NOWHERE, notes=notes)
        service = one.source.split(":")[2] if one.source.startswith("arn:") else "kafka"
        if service == "sqs":
            yield self._of_queue(path)
        elif one.on_failure:
            held = () if one.retries is not None or one.max_age is not None else (_for_ever("gets there"),)
            yield self._ending(replace(path, means=Means.DESTINATION, to=one.on_failure, notes=(*notes, *held)))
        elif service in _STREAMS:
            yield replace(path, lost=_stream_loss(one), hint=_STREAM_HINT.format(one.id))
        else:
            yield replace(path, notes=(*notes, f"what becomes of it is {service}'s own business"))

    def _of_queue(self, path: FailurePath) -> FailurePath:
        source = self._queue(path.events)
        name = path.events.rpartition(":")[2]
        if isinstance(source, str):
            why = f"cannot be looked at: {source}" if source else "is gone"
            return replace(path, notes=(*path.notes, f"{name} {why}"))
        if not source.dead_letters:
            return replace(
                path,
                lost=f"a message that keeps failing is tried until it is {format_duration(source.retention)} old, then "
                "SQS deletes it",
                hint=f"Give {name} a redrive policy: aws sqs set-queue-attributes, RedrivePolicy.",
            )
        dead = self._queue(source.dead_letters)
        notes = path.notes
        if not isinstance(dead, str) and not source.fifo and dead.retention <= source.retention:
            kept = format_duration(dead.retention)
            notes = (*notes, f"it keeps messages for {kept} from their first send, no longer than {name} itself")
        moved = f"after {source.max_receives} receives"
        return self._ending(replace(path, means=Means.REDRIVE, to=source.dead_letters, notes=(moved, *notes)))

    # -- where they end ----------------------------------------------------------------------------------------------

    def _ending(self, path: FailurePath) -> FailurePath:
        """With what is there, or that it is gone."""
        if path.to.split(":")[2:3] != ["sqs"]:
            return path
        there = self._queue(path.to)
        if not isinstance(there, str):
            return replace(path, depth=Depth(there.total, there.retention))
        if there:
            return replace(path, notes=(*path.notes, f"it cannot be looked at: {there}"))
        name = path.to.rpartition(":")[2]
        what = "no message is moved there" if path.means is Means.REDRIVE else "what fails now is lost"
        return replace(path, lost=f"{name} is gone: {what}", hint=f"Make {name} again, or name another queue.")

    def _queue(self, arn: str) -> Queue | str:
        """The queue; or why it cannot be read, empty when it is not there."""
        if arn not in self._known:
            try:
                self._known[arn] = self.queues.find(arn)
            except NotFoundError:
                self._known[arn] = ""
            except AccessDeniedError as error:
                self._known[arn] = error.message
        return self._known[arn]


_STREAM_HINT = (
    "aws lambda update-event-source-mapping --uuid {} "
    '--destination-config \'{{"OnFailure":{{"Destination":"QUEUE-ARN"}}}}\' --maximum-retry-attempts 5'
)


def _for_ever(what: str) -> str:
    return f"a batch that fails is tried for ever: it stops its shard until its records expire, and only then {what}"


def _stream_loss(one: Mapped) -> str:
    """What happens to a batch of a stream that has no destination."""
    if one.retries is None and one.max_age is None:
        return "a batch that fails is tried for ever: it stops its shard until its records expire, and they are lost"
    ends = [f"fails {_times(one.retries)}"] if one.retries is not None else []
    ends += [f"is {format_duration(one.max_age)} old"] if one.max_age is not None else []
    return f"a batch that {' or '.join(ends)} is thrown away"


def _times(retries: int) -> str:
    return "once" if not retries else f"{retries + 1} times"
