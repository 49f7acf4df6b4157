"""The repair of one time of one feed: asks its questions and publishes the answers unchanged."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

import orjson

from liq.producers.feeds.frames import MAX_FRAME_BYTES
from liq.producers.history.asker import Asker, Source
from liq.producers.history.asking import RefusedError
from liq.producers.history.paging import (
    MAX_PAGES,
    AnswerError,
    Progress,
    after_answer,
    check_rows,
    next_question,
)
from liq.producers.history.published import PublishedRows
from liq.producers.history.spec import HistorySpec, Question, Row
from liq.producers.live.clock import Clock, now_ms
from liq.runtime.logs import get_logger
from liq.runtime.metrics import HISTORY_ROWS
from liq.schemas.units import HOUR_MS
from liq.schemas.vocabulary import FeedEvent

# A venue that refuses this many subjects in a row is taken to refuse all of them.
MAX_REFUSALS: Final = 5
MAX_SHOWN: Final = 200

log = get_logger(__name__)


class _GivenUpError(Exception):
    """Error of a venue that refuses many subjects in a row."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a repair ended: the event, a sentence, and counts."""

    event: FeedEvent
    detail: str
    rows: int
    answers: int


class PublishAnswer(Protocol):
    """A function that publishes an answer's bytes as a raw frame of a feed."""

    def __call__(self, spec: HistorySpec, subject: str, answer: bytes) -> Awaitable[None]:
        """Publish an answer, and return when Kafka has acknowledged it."""


class Repair:
    """Repair of one time (UTC, ms) of a feed from its histories; continues from `progress`.

    The progress advances once Kafka has acknowledged an answer. Answers whose rows are all among
    the `published` ones are not published again.
    """

    def __init__(  # noqa: PLR0913 - what a repair consists of
        self,
        sources: Sequence[Source],
        bounds: tuple[int, int],
        *,
        asker: Asker,
        publish: PublishAnswer,
        progress: Progress,
        clock: Clock,
        published: PublishedRows | None = None,
    ) -> None:
        self._published = published
        self._sources = sources
        self._from_ms, self._to_ms = bounds
        self._asker = asker
        self._publish = publish
        self._progress = progress
        self._clock = clock
        self._refusals = 0
        self._before: frozenset[tuple[int, str]] = frozenset()
        self._too_old = ""

    async def run(self) -> Verdict:
        """Ask every open question, and return how the repair ended.

        Raises:
            AwayError: the venue does not answer; `progress` keeps what was done.
            KafkaError: the brokers do not acknowledge an answer.
        """
        place = 0
        try:
            for source in self._sources:
                from_ms = self._reachable_from_ms(source.spec)
                if from_ms is not None:
                    place = await self._ask_source(source, from_ms, place)
        except _GivenUpError as error:
            self._progress.note_problem(str(error))
        return self._verdict()

    async def _ask_source(self, source: Source, from_ms: int, place: int) -> int:
        """Ask about every unfinished subject; return the number after the source's last subject."""
        progress = self._progress
        for subject in await self._asker.subjects(source):
            if place >= progress.subject:
                if progress.stack is None:
                    await self._check_reach(source, subject, from_ms)
                    progress.stack = [Question("", from_ms, self._to_ms)]
                await self._ask_about(source, subject)
                progress.stack = None
                progress.subject = place + 1
            place += 1
        return place

    def _reachable_from_ms(self, spec: HistorySpec) -> int | None:
        """Return the time from which the history has rows; None if the gap is older than that."""
        if spec.depth_ms is None:
            return self._from_ms
        reached_ms = now_ms(self._clock) - spec.depth_ms
        if reached_ms > self._from_ms:
            hours = spec.depth_ms / HOUR_MS
            self._too_old = (
                f"the history reaches back {hours:g} hours, and the gap began before that"
            )
        return None if reached_ms >= self._to_ms else max(self._from_ms, reached_ms)

    async def _check_reach(self, source: Source, subject: str, from_ms: int) -> None:
        """Note a problem if a history of the newest rows may begin after the repair's time."""
        spec, progress = source.spec, self._progress
        if spec.depth_rows is None:
            return
        before = Question(subject, 0, from_ms - 1)
        since = Question(subject, from_ms, now_ms(self._clock))
        try:
            for question in (before, since):
                rows, _ = _read(spec, question, await self._asker.ask(source, question))
                progress.answers += 1
                if any(row.time_ms < from_ms for row in rows):
                    return
        except (RefusedError, AnswerError):
            return  # the next request reports it
        if len(rows) >= spec.page_rows:
            progress.note_problem(
                f"{subject}: the history has the newest {spec.depth_rows:,} rows only, and none of "
                "before the gap"
            )

    async def _ask_about(self, source: Source, subject: str) -> None:
        """Ask every open question about one subject."""
        spec, progress = source.spec, self._progress
        stack = progress.stack or []
        self._before = frozenset()
        pages = 0
        while stack:
            question = replace(next_question(spec, stack), subject=subject)
            if pages >= MAX_PAGES:
                progress.note_problem(f"{subject or 'the history'} has no end after {pages} pages")
                return
            pages += 1
            try:
                stack[-1:] = await self._answered(source, question)
            except (RefusedError, AnswerError) as error:
                progress.note_problem(f"{subject}: {error}" if subject else str(error))
                self._refusals += 1
                if self._refusals >= MAX_REFUSALS:
                    raise _GivenUpError("the rest was not asked for") from error
                return
            self._refusals = 0

    async def _answered(self, source: Source, question: Question) -> Sequence[Question]:
        """Ask one question, publish its answer, and return the questions that it leaves open."""
        spec, progress = source.spec, self._progress
        answer = await self._asker.ask(source, question)
        rows, cursor = _read(spec, question, answer)
        check_rows(spec, question, rows, now_ms(self._clock))
        paged = after_answer(spec, question, rows, cursor)
        if not paged.is_repeated:
            await self._publish_news(spec, question.subject, answer, rows)
            found = self._count(spec, rows)
            progress.rows += found
            HISTORY_ROWS.labels(spec.exchange).inc(found)
        progress.answers += 1
        if paged.problem:
            progress.note_problem(
                f"{question.subject}: {paged.problem}" if question.subject else paged.problem
            )
        return [replace(each, subject="") for each in paged.questions]

    async def _publish_news(
        self, spec: HistorySpec, subject: str, answer: bytes, rows: Sequence[Row]
    ) -> None:
        """Publish an answer that has a liquidation, unless all were published before."""
        found = [row for row in rows if row.is_liquidation]
        published = self._published
        if not found or (published is not None and published.has_all(subject, found)):
            return
        frames = [answer] if spec.split is None else spec.split(answer, MAX_FRAME_BYTES)
        for frame in frames:
            await self._publish(spec, subject, frame)
        if published is not None:
            published.add(subject, found)

    def _count(self, spec: HistorySpec, rows: Sequence[Row]) -> int:
        """Return the number of liquidations in the time, without those of the previous page."""
        first_ms = self._from_ms - spec.unit_ms + 1
        now = frozenset((row.time_ms, row.identity) for row in rows)
        before, self._before = self._before, now
        return sum(
            row.is_liquidation
            and first_ms <= row.time_ms <= self._to_ms
            and (row.time_ms, row.identity) not in before
            for row in rows
        )

    def given_up(self, reason: str) -> Verdict:
        """Return the verdict of a repair whose venue did not answer in many rounds."""
        self._progress.note_problem(reason)
        return self._verdict()

    def _verdict(self) -> Verdict:
        progress = self._progress
        if self._too_old:
            progress.note_problem(self._too_old)
        for left_out in dict.fromkeys(source.spec.left_out for source in self._sources):
            if left_out:
                progress.note_problem(left_out)
        counted = f"the history has {progress.rows} liquidations of the gap"
        if not progress.problems:
            event, detail = FeedEvent.FILLED, f"{counted}; {progress.answers} requests"
        else:
            event = FeedEvent.PARTLY if progress.answers else FeedEvent.UNRECOVERABLE
            more = f", and {progress.problems - 1} more problems" if progress.problems > 1 else ""
            detail = f"{progress.problem}{more}"
            if progress.answers:
                detail = f"{counted}, but {detail}"
        return Verdict(event, detail, progress.rows, progress.answers)


def _read(spec: HistorySpec, question: Question, answer: bytes) -> tuple[list[Row], str]:
    """Return the rows of an answer, and the cursor of its next page.

    Raises:
        AnswerError: the answer cannot be read.
    """
    try:
        document: Any = orjson.loads(answer)
        rows = spec.read(document)
        following = "" if spec.next_cursor is None else spec.next_cursor(document, question)
        return rows, str(following or "")
    except orjson.JSONDecodeError as error:
        raise AnswerError("the answer is not JSON, or only the beginning of it") from error
    except ValueError as error:
        raise AnswerError(f"the answer cannot be read: {str(error)[:MAX_SHOWN]}") from error
    except (LookupError, TypeError, AttributeError, ArithmeticError) as error:
        shown = repr(error)[:MAX_SHOWN]
        raise AnswerError(f"the answer has another form than known ({shown})") from error
