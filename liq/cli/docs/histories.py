"""The table of docs/history.md: what each venue's history is asked for, and within which limits."""

from typing import Final

from liq.cli.docs.page import DOCS, code, table, with_part
from liq.producers.history.registry import HISTORIES, REASONS
from liq.producers.history.spec import HistorySpec
from liq.schemas.units import DAY_MS, SECOND_MS

COLUMNS: Final = (
    "exchange", "feeds", "the same event by", "reaches back", "asked", "source of the limit",
    "as of",
)  # fmt: skip
POLL_COLUMNS: Final = (
    "exchange", "feed", "what the poll is", "asked every", "for times that ended", "and again",
    "setting of the address",
)  # fmt: skip
REASON_COLUMNS: Final = ("exchange", "why its gaps stay")


def history_page() -> str:
    """Return the text of docs/history.md, with tables from the declarations."""
    page = (DOCS / "history.md").read_text(encoding="utf-8")
    reasons = [(code(exchange), reason) for exchange, reason in sorted(REASONS.items())]
    page = with_part(page, "histories", histories_table())
    page = with_part(page, "polls", polls_table())
    return with_part(page, "no histories", table(REASON_COLUMNS, reasons))


def histories_table() -> str:
    """Return a table with a row for each exchange's histories of one kind."""
    grouped: dict[tuple[str, str], list[HistorySpec]] = {}
    for spec in HISTORIES:
        grouped.setdefault((spec.exchange, spec.join), []).append(spec)
    rows = [
        (
            code(exchange),
            ", ".join(dict.fromkeys(code(spec.feed) for spec in group)),
            join,
            _depth(group[0]),
            f"at most {group[0].limit.in_words()}",
            group[0].limit.source,
            group[0].limit.as_of,
        )
        for (exchange, join), group in grouped.items()
    ]
    return table(COLUMNS, rows)


def polls_table() -> str:
    """Return a table with a row for each polled feed."""
    rows = {}
    for spec in HISTORIES:
        if (poll := spec.poll) is None:
            continue
        rows[spec.exchange, poll.feed] = (
            code(spec.exchange),
            code(poll.feed),
            "the live feed" if poll.is_live else f"completes `{spec.feed}`",
            f"{poll.every_seconds:g} s",
            f"{poll.delay_ms / SECOND_MS:g} s before",
            f"the {poll.overlap_ms / SECOND_MS:g} s before that" if poll.overlap_ms else "",
            code(spec.setting),
        )
    return table(POLL_COLUMNS, rows.values())


def _depth(spec: HistorySpec) -> str:
    if spec.depth_rows is not None:
        return f"the newest {spec.depth_rows:,} rows"
    if spec.depth_ms is None:
        return "not stated"
    days = spec.depth_ms // DAY_MS
    return f"{days} day{'s' * (days > 1)}"
