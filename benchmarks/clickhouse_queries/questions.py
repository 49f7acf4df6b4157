"""The queries that are timed, and the table of minutes that a refreshable view would store."""

# ruff: noqa: S608 - the SQL is made of constants of this file

from dataclasses import dataclass

LIMIT_MS = 250


@dataclass(frozen=True, slots=True)
class Question:
    """A query, and its limit in milliseconds when warm."""

    name: str
    sql: str
    limit_ms: int | None = LIMIT_MS


LAST_DAY = "'2026-06-29 00:00:00' AND {} < '2026-06-30 00:00:00'"
LAST_MONTH = "'2026-05-31 00:00:00' AND {} < '2026-06-30 00:00:00'"
LAST_WEEK = "'2026-06-23 00:00:00' AND {} < '2026-06-30 00:00:00'"
WEEK = "since = '2026-06-23 00:00:00', until = '2026-06-30 00:00:00'"
CASCADE = (
    "cascade_id = (SELECT cascade_id FROM cascades"
    " WHERE started_at < '2026-06-29 00:00:00' ORDER BY started_at DESC LIMIT 1)"
)
CASCADE_LIMIT_MS = 100
QUESTIONS = (
    Question(
        "series: market by minute, 1 day",
        "SELECT toStartOfMinute(timestamp) AS minute, side, count(), sum(value_usd)"
        " FROM liquidation_events"
        f" WHERE timestamp >= {LAST_DAY.format('timestamp')} GROUP BY ALL ORDER BY minute",
    ),
    Question(
        "series: by minute and venue, 1 day",
        "SELECT toStartOfMinute(timestamp) AS minute, exchange, count(), sum(value_usd)"
        " FROM liquidation_events"
        f" WHERE timestamp >= {LAST_DAY.format('timestamp')} GROUP BY ALL ORDER BY minute",
    ),
    Question(
        "series: by minute and side out of liquidation_minutes, 1 day",
        "SELECT minute, side, sum(events), sum(value_usd) FROM liquidation_minutes"
        f" WHERE minute >= {LAST_DAY.format('minute')} GROUP BY minute, side ORDER BY minute",
    ),
    Question(
        "series: BTC by hour, venue and side, 7 days",
        "SELECT hour, exchange, side, events, value_usd FROM liquidation_hours"
        f" WHERE symbol = 'BTCUSDT' AND hour >= {LAST_WEEK.format('hour')} ORDER BY hour",
    ),
    Question(
        "series: market by hour and venue, 7 days",
        "SELECT toStartOfHour(timestamp) AS hour, exchange, side, count(), sum(value_usd)"
        " FROM liquidation_events"
        f" WHERE timestamp >= {LAST_WEEK.format('timestamp')} GROUP BY ALL ORDER BY hour",
    ),
    Question(
        "series: BTC long and short by minute, 1 day",
        "SELECT * FROM long_short_minutes"
        f" WHERE symbol = 'BTCUSDT' AND minute >= {LAST_DAY.format('minute')} ORDER BY minute",
    ),
    Question(
        "heat map: BTC level by hour, 1 day",
        "SELECT hour, price_level, sum(value_usd) FROM price_level_hours"
        f" WHERE symbol = 'BTCUSDT' AND hour >= {LAST_DAY.format('hour')} GROUP BY ALL",
    ),
    Question(
        "heat map: BTC level by hour, 7 days",
        "SELECT hour, price_level, sum(value_usd) FROM price_level_hours"
        f" WHERE symbol = 'BTCUSDT' AND hour >= {LAST_WEEK.format('hour')} GROUP BY ALL",
    ),
    Question(
        "heat map: BTC level by hour, 30 days",
        "SELECT hour, price_level, sum(value_usd) FROM price_level_hours"
        f" WHERE symbol = 'BTCUSDT' AND hour >= {LAST_MONTH.format('hour')} GROUP BY ALL",
        limit_ms=1_000,
    ),
    Question(
        "cascade: its events",
        f"SELECT * FROM cascade_events({CASCADE}) ORDER BY timestamp",
        limit_ms=CASCADE_LIMIT_MS,
    ),
    Question(
        "cascade: second by second",
        f"SELECT * FROM cascade_seconds({CASCADE}) ORDER BY second",
        limit_ms=CASCADE_LIMIT_MS,
    ),
    Question(
        "cascade: price path",
        f"SELECT * FROM cascade_price_path({CASCADE}) ORDER BY second",
        limit_ms=CASCADE_LIMIT_MS,
    ),
    Question(
        "cascades: who leads, 7 days",
        f"SELECT exchange, countIf(lag_ms = 0), quantileExact(lag_ms) FROM cascade_venues({WEEK})"
        " GROUP BY exchange",
    ),
    Question(
        "top 20, 1 day",
        "SELECT * FROM liquidation_events"
        f" WHERE timestamp >= {LAST_DAY.format('timestamp')} ORDER BY value_usd DESC LIMIT 20",
    ),
    Question(
        "top 20, everything",
        "SELECT timestamp, exchange, symbol, side, value_usd FROM liquidation_events"
        " ORDER BY value_usd DESC LIMIT 20",
        limit_ms=None,
    ),
    Question("completeness by hour, everything", "SELECT * FROM completeness_hours", limit_ms=None),
    Question(
        "hour of day, every symbol, 7 days",
        f"SELECT * FROM hour_of_day_profile({WEEK})",
        limit_ms=None,
    ),
    Question(
        "unusual hours of every asset, 1 day",
        "SELECT * FROM asset_hour_scores(since = '2026-06-29 00:00:00',"
        " until = '2026-06-30 00:00:00')",
        limit_ms=None,
    ),
    Question("study of cascades, 7 days", f"SELECT * FROM cascade_study({WEEK})", limit_ms=None),
    Question(
        "what followed on alerts, 7 days", f"SELECT * FROM alert_outcomes({WEEK})", limit_ms=None
    ),
    Question(
        "estimates of sampled venues, 1 day",
        "SELECT * FROM estimated_hours(since = '2026-06-29 00:00:00',"
        " until = '2026-06-30 00:00:00')",
        limit_ms=None,
    ),
    Question(
        "size quantiles, everything",
        "SELECT * FROM size_distribution WHERE symbol = ''",
        limit_ms=None,
    ),
)

MINUTES = "benchmark_minutes"
MAKE_MINUTES = (
    f"CREATE TABLE {MINUTES} (minute DateTime('UTC'), exchange LowCardinality(String),"
    " side Enum8('LONG' = 1, 'SHORT' = 2), events UInt64, value_usd Decimal(76, 12))"
    " ENGINE = MergeTree ORDER BY (minute, exchange, side)"
)
REFRESH = (
    f"INSERT INTO {MINUTES} SELECT toStartOfMinute(timestamp) AS minute, exchange, side, count(),"
    " sum(value_usd) FROM liquidation_events WHERE timestamp >= {} GROUP BY ALL"
)
REFRESHES = (
    ("1 day", f"{LAST_DAY.format('timestamp')}"),
    ("7 days", f"{LAST_WEEK.format('timestamp')}"),
    ("everything", "'1970-01-01 00:00:00'"),
)
STORED_SERIES = (
    f"SELECT minute, exchange, sum(events), sum(value_usd) FROM {MINUTES}"
    f" WHERE minute >= {LAST_DAY.format('minute')} GROUP BY ALL ORDER BY minute"
)
