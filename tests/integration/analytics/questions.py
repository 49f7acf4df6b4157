"""What is asked of each view, and the form in which answers are stored and compared."""

# ruff: noqa: S608 - the SQL is made of constants of this file

import json
from typing import Any

from clickhouse_connect.driver.client import Client

from tests.support.paths import GOLDEN

EXPECTED = GOLDEN / "analytics"
# BTC longs, 2026-07-10 14:18:53. Its id changes with the detector.
CASCADE = "cascade_id = (SELECT argMax(cascade_id, total_value_usd) FROM cascades_latest)"
PERIOD = "since = '2026-07-08 16:00:00', until = '2026-07-11 00:00:00'"
DAY = "since = '2026-07-10 00:00:00', until = '2026-07-11 00:00:00'"
HOUR = "minute >= '2026-07-10 14:00:00' AND minute < '2026-07-10 15:00:00'"

QUESTIONS = {
    "liquidations_by_venue_side": "SELECT * FROM liquidations_by_venue_side ORDER BY ALL",
    "liquidation_minutes": f"SELECT * FROM liquidation_minutes WHERE {HOUR} ORDER BY ALL",
    "liquidation_hours": (
        "SELECT * FROM liquidation_hours WHERE hour >= '2026-07-01 00:00:00' ORDER BY ALL"
    ),
    "liquidation_events": (
        "SELECT * FROM liquidation_events ORDER BY value_usd DESC, event_id LIMIT 50"
    ),
    "long_short_minutes": f"SELECT * FROM long_short_minutes WHERE {HOUR} ORDER BY ALL",
    "hour_of_day_profile": f"SELECT * FROM hour_of_day_profile({PERIOD}) ORDER BY ALL",
    "price_level_hours": (
        "SELECT * FROM price_level_hours"
        " WHERE symbol = 'BTCUSDT' AND hour >= '2026-07-10 00:00:00' ORDER BY ALL"
    ),
    "size_distribution": (
        "SELECT * FROM size_distribution"
        " WHERE symbol IN ('', 'BTCUSDT', 'ETHUSDT', 'SOLUSDT') ORDER BY ALL"
    ),
    "size_buckets": (
        "SELECT * FROM size_buckets WHERE symbol IN ('BTCUSDT', 'ETHUSDT') ORDER BY ALL"
    ),
    "cascades_latest": (
        "SELECT cascade_id, sequence, scope, asset, side, started_at, ended_at, is_open,"
        " event_count, total_value_usd, exchanges, risk_score, basic_risk_score, price_first,"
        " price_last"
        " FROM cascades_latest ORDER BY started_at, cascade_id"
    ),
    "cascade_events": f"SELECT * FROM cascade_events({CASCADE}) ORDER BY timestamp, event_id",
    "cascade_event_ids": f"SELECT * FROM cascade_event_ids({CASCADE}) ORDER BY timestamp, event_id",
    "cascade_seconds": f"SELECT * FROM cascade_seconds({CASCADE}) ORDER BY ALL",
    "cascade_price_path": f"SELECT * FROM cascade_price_path({CASCADE}) ORDER BY ALL",
    "cascade_venues": (
        f"SELECT * FROM cascade_venues({PERIOD}) ORDER BY started_at, cascade_id, exchange"
    ),
    "liquidation_map": "SELECT * FROM liquidation_map ORDER BY ALL",
    "feed_gaps": "SELECT * FROM feed_gaps ORDER BY gap_from, connection",
    "completeness_hours": (
        "SELECT * FROM completeness_hours WHERE hour >= '2026-07-09 00:00:00' ORDER BY ALL"
    ),
    "asset_hour_scores": (
        f"SELECT * FROM asset_hour_scores({DAY}) WHERE asset IN ('BTC', 'SOL') ORDER BY ALL"
    ),
    "regime_profile": (
        f"SELECT * FROM regime_profile({PERIOD}) WHERE asset IN ('', 'BTC') ORDER BY ALL"
    ),
    "cascade_study": (
        "SELECT side, study_window, draw > 0 AS is_random, count() AS windows,"
        " round(sum(seconds), 3) AS seconds, sum(same_side_events) AS same_side_events,"
        " sum(same_side_usd) AS same_side_usd, sum(other_side_usd) AS other_side_usd"
        f" FROM cascade_study({PERIOD}) GROUP BY ALL ORDER BY ALL"
    ),
    "contagion_order": f"SELECT * FROM contagion_order({PERIOD}) ORDER BY episode_at, side, place",
    "alert_outcomes": (
        f"SELECT * FROM alert_outcomes({PERIOD}) ORDER BY timestamp, cascade_id, sequence"
    ),
    "minute_coverage": (
        f"SELECT * FROM minute_coverage({PERIOD}, min_usd = 300000) ORDER BY minute, asset, side"
    ),
    "estimated_hours": f"SELECT * FROM estimated_hours({DAY}) ORDER BY hour, exchange",
    "venue_audit": f"SELECT * FROM venue_audit({PERIOD}) ORDER BY exchange",
    "rejected_by_reason": "SELECT * FROM rejected_by_reason ORDER BY ALL",
    # Of what the questions above show a part: everything, summed.
    "totals": (
        "SELECT"
        " (SELECT (sum(events), sum(value_usd)) FROM liquidation_minutes) AS minutes,"
        " (SELECT (sum(events), sum(value_usd)) FROM liquidation_hours) AS hours,"
        " (SELECT (count(), sum(value_usd)) FROM liquidation_events) AS single_events,"
        " (SELECT (sum(long_events + short_events), sum(long_usd + short_usd))"
        " FROM long_short_minutes) AS long_short,"
        " (SELECT (sum(events), sum(value_usd)) FROM price_level_hours) AS levels,"
        " (SELECT (sum(events), sum(value_usd)) FROM size_distribution WHERE symbol = '') AS sizes,"
        " (SELECT (sum(events), sum(value_usd)) FROM size_buckets) AS buckets,"
        " (SELECT (sum(events), sum(value_usd)) FROM completeness_hours) AS completeness"
    ),
}


def answer(client: Client, question: str) -> list[list[Any]]:
    """Column names, then rows; decimals as strings, so that they stay exact."""
    raw = client.raw_query(
        question,
        fmt="JSONCompactEachRowWithNames",
        settings={
            "output_format_json_quote_decimals": 1,
            "output_format_json_quote_64bit_integers": 0,
        },
    )
    return [json.loads(line) for line in raw.splitlines()]


def stored(lines: list[list[Any]]) -> str:
    """An answer as the text of its file: a row a line."""
    rows = ",\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    return f"[\n{rows}\n]\n"
