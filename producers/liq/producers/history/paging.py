"""Paging: the next question about one subject's history of a time. Pure.

Open questions are a short stack. An answer replaces the question on top by the questions that it
leaves open: the next page, both halves of a time whose page was full, or no question.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from liq.producers.history.spec import HistorySpec, Question, Row, RowOrder
from liq.schemas.plausible_time import EARLIEST_VENUE_MS
from liq.schemas.units import DAY_MS

#: The most requests about one subject in one repair.
MAX_PAGES: Final = 2_000
#: How far beyond the requested time a venue may round.
SLACK_MS: Final = 60_000


class AnswerError(Exception):
    """Error of an answer that cannot be right; the message has the reason."""


@dataclass(frozen=True, slots=True)
class Paged:
    """The questions that an answer leaves open, and a problem (a sentence) if rows are lost.

    If `is_repeated`, the questions request all of the answer's rows again.
    """

    questions: tuple[Question, ...]
    problem: str = ""
    is_repeated: bool = False


def next_question(spec: HistorySpec, stack: list[Question]) -> Question:
    """Shorten the question on top to the longest time that the venue allows, and return it."""
    question = stack[-1]
    longest = spec.longest_ms
    if longest is not None and question.to_ms - question.from_ms > longest:
        until_ms = question.from_ms + longest
        stack[-1] = replace(question, from_ms=until_ms)
        question = replace(question, to_ms=until_ms)
        stack.append(question)
    return question


def check_rows(spec: HistorySpec, question: Question, rows: Sequence[Row], now_ms: int) -> None:
    """Check that an answer's times are plausible and in the requested range.

    Raises:
        AnswerError: they are not; no row of the answer may be used.
    """
    for row in rows:
        if not EARLIEST_VENUE_MS <= row.time_ms <= now_ms + DAY_MS:
            raise AnswerError(
                f"a row's time is {row.time_ms}, which is not between 2010 and tomorrow in "
                "milliseconds; the venue may have changed the unit"
            )
    if not rows:
        return
    slack = SLACK_MS + spec.unit_ms
    is_later = min(row.time_ms for row in rows) > question.to_ms + slack
    is_earlier = max(row.time_ms for row in rows) < question.from_ms - slack
    may_be_earlier = spec.order is RowOrder.NEWEST_FIRST
    if (is_later and spec.is_bounded) or (is_earlier and not may_be_earlier):
        raise AnswerError("all rows are of another time than the one that was asked for")


def after_answer(spec: HistorySpec, question: Question, rows: Sequence[Row], cursor: str) -> Paged:
    """Return the questions that an answer leaves open; `cursor` is the venue's of the next page."""
    if spec.next_cursor is not None:
        return _after_cursor(spec, question, rows, cursor)
    return _AFTER[spec.order](spec, question, rows)


def _after_oldest_first(spec: HistorySpec, question: Question, rows: Sequence[Row]) -> Paged:
    newest_ms = max((row.time_ms for row in rows), default=0)
    if len(rows) < spec.page_rows or newest_ms > question.to_ms:
        return Paged(())
    if newest_ms > question.from_ms:
        return Paged((replace(question, from_ms=newest_ms),))
    later_ms = question.from_ms + spec.unit_ms
    left = (replace(question, from_ms=later_ms),) if later_ms <= question.to_ms else ()
    return Paged(left, _too_many(spec, question))


def _after_newest_first(spec: HistorySpec, question: Question, rows: Sequence[Row]) -> Paged:
    oldest_ms = min((row.time_ms for row in rows), default=0)
    if oldest_ms < question.from_ms:
        return Paged(())
    # A venue may return fewer rows than requested, so a short page need not be the last.
    if oldest_ms < question.to_ms:
        return Paged((replace(question, to_ms=oldest_ms),))
    if len(rows) < spec.page_rows:
        return Paged(())
    earlier_ms = question.to_ms - spec.unit_ms
    left = (replace(question, to_ms=earlier_ms),) if earlier_ms >= question.from_ms else ()
    return Paged(left, _too_many(spec, question))


def _after_unordered(spec: HistorySpec, question: Question, rows: Sequence[Row]) -> Paged:
    """Return both halves of a time whose page was full."""
    if len(rows) < spec.page_rows:
        return Paged(())
    first, last = question.from_ms // spec.unit_ms, question.to_ms // spec.unit_ms
    if last <= first:
        return Paged((), _too_many(spec, question))
    middle = (first + last) // 2
    return Paged(
        (
            replace(question, from_ms=(middle + 1) * spec.unit_ms),
            replace(question, to_ms=middle * spec.unit_ms),
        ),
        is_repeated=True,
    )


_AFTER: Final = {
    RowOrder.OLDEST_FIRST: _after_oldest_first,
    RowOrder.NEWEST_FIRST: _after_newest_first,
    RowOrder.UNORDERED: _after_unordered,
}


def _after_cursor(spec: HistorySpec, question: Question, rows: Sequence[Row], cursor: str) -> Paged:
    times = [row.time_ms for row in rows]
    if not rows or not cursor:
        return Paged(())
    if spec.order is RowOrder.NEWEST_FIRST and min(times) < question.from_ms:
        return Paged(())
    if spec.order is RowOrder.OLDEST_FIRST and max(times) > question.to_ms:
        return Paged(())
    if cursor == question.cursor:
        return Paged((), "the venue's cursor does not move")
    return Paged((replace(question, cursor=cursor),))


def _too_many(spec: HistorySpec, question: Question) -> str:
    return f"more than {spec.page_rows} rows at {question.from_ms}, of which the rest is not told"


@dataclass(slots=True)
class Progress:
    """Progress of a repair; its JSON is committed with the offset.

    `subject` counts the finished subjects, `rows` the liquidations that were found, `answers` the
    answered requests, `rounds` the attempts that ended because the venue did not answer.
    """

    subject: int = 0
    stack: list[Question] | None = None
    rows: int = 0
    answers: int = 0
    rounds: int = 0
    problems: int = 0
    problem: str = ""

    def note_problem(self, sentence: str) -> None:
        """Count a problem; the first one's sentence is kept."""
        self.problems += 1
        self.problem = self.problem or sentence

    def to_json(self) -> dict[str, Any]:
        """Return the progress as JSON values."""
        stack = self.stack
        return {
            "subject": self.subject,
            "stack": None
            if stack is None
            else [[each.from_ms, each.to_ms, each.cursor] for each in stack],
            "rows": self.rows,
            "answers": self.answers,
            "rounds": self.rounds,
            "problems": self.problems,
            "problem": self.problem,
        }


def progress_from_json(document: Any) -> Progress:
    """Return the progress of a document that `Progress.to_json` returned.

    Raises:
        ValueError, TypeError, KeyError: the document has another form.
    """
    stack = document["stack"]
    counts = {name: int(document[name]) for name in COUNTS}
    questions = None if stack is None else [_question(each) for each in stack]
    return Progress(stack=questions, problem=str(document["problem"]), **counts)


COUNTS: Final = ("subject", "rows", "answers", "rounds", "problems")


def _question(values: Any) -> Question:
    from_ms, to_ms, cursor = values
    # The progress has the subject's number; the list of subjects has its name.
    return Question("", int(from_ms), int(to_ms), str(cursor))
