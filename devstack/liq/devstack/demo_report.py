"""The report at the end of the demo: results of SQL."""

from pathlib import Path

from clickhouse_connect.driver.client import Client

from liq.cli.console import out
from liq.cli.results import run_sql

TOTALS = """
SELECT exchange, side, events, round(value_usd, 2) AS usd, institutional_events AS institutional
FROM liquidations_by_venue_side
ORDER BY exchange, side
"""

EVERYTHING = """
SELECT count() AS events, uniqExact(event_id) AS distinct, round(sum(value_usd), 2) AS usd,
       countIf(is_institutional) AS institutional,
       formatDateTime(min(timestamp), '%m-%d %H:%i') AS first,
       formatDateTime(max(timestamp), '%m-%d %H:%i') AS last
FROM liquidation_events
"""

LARGEST = """
SELECT formatDateTime(timestamp, '%m-%d %H:%i:%S') AS utc, exchange, symbol, side,
       price, toInt64(round(value_usd)) AS usd, price_kind AS price_is
FROM liquidations FINAL
ORDER BY value_usd DESC, event_id
LIMIT 10
"""

CASCADES = """
SELECT formatDateTime(started_at, '%m-%d %H:%i:%S') AS start,
       formatDateTime(ended_at, '%H:%i:%S') AS end, asset, side, event_count AS events,
       toInt64(round(total_value_usd)) AS usd,
       risk_score AS risk, basic_risk_score AS basic,
       arrayStringConcat(exchanges, ' ') AS venues
FROM cascades_latest
ORDER BY total_value_usd DESC, cascade_id
LIMIT 15
"""

CASCADE_TOTALS = """
SELECT side, count() AS cascades, sum(event_count) AS events,
       round(sum(total_value_usd), 2) AS usd, max(risk_score) AS highest_risk,
       countIf(is_open) AS still_open
FROM cascades_latest
GROUP BY side
ORDER BY side
"""

REJECTED = """
SELECT reason, sum(frames) AS frames
FROM rejected_by_reason
GROUP BY reason
ORDER BY reason
"""


def print_report(client: Client, capture: Path) -> None:
    """Print liquidations by venue and side, the largest, and the cascades."""
    out.print(f"\nWhat ClickHouse holds of {capture.name}", style="bold", highlight=False)
    for title, query in (
        ("Liquidations by venue and side of the position", TOTALS),
        ("Together", EVERYTHING),
        ("The ten largest", LARGEST),
        ("Cascades by side", CASCADE_TOTALS),
        ("The fifteen largest cascades", CASCADES),
    ):
        out.print(run_sql(client, query, title))
        out.print()
    rejected = run_sql(client, REJECTED, "Rejected")
    if rejected.row_count:
        out.print(rejected)
    else:
        out.print("Rejected: none")
