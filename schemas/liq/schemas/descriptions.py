"""A sentence for every field of every record, with its unit; a test keeps the list complete."""

from typing import Final

_VERSION: Final = "Version of the record's form; rises only where an older reader would misread."
_EXCHANGE: Final = "The venue, in lower case."
_SOURCE: Final = "The raw record that it came from; null or absent when it came from no topic."
_SIDE: Final = "The position that was liquidated, on every venue."
_RECEIVED: Final = (
    "When the producer received the frame, as far as the log believes it: milliseconds since 1970, "
    "UTC."
)
_CONTRACT: Final = (
    "How a size turns into money: linear (units of the base), inverse (dollars settled in the "
    "base), quanto (settled in a third currency)."
)

DESCRIPTIONS: Final[dict[str, dict[str, str]]] = {
    "Source": {
        "topic": "Kafka topic.",
        "partition": "Partition of the topic.",
        "offset": "Offset in the partition.",
    },
    "Liquidation": {
        "event_id": "32 hex digits, the same for the same liquidation; deduplicate on it.",
        "exchange": _EXCHANGE,
        "symbol": "The base asset followed by USDT for every dollar-like quote, else by the "
        "quote's currency.",
        "native_symbol": "The venue's own name of the contract.",
        "base": "The asset whose price the contract follows; the record's key.",
        "quote": "The currency that the venue's own price is in.",
        "settle": "The currency that gains and losses are paid in.",
        "contract": _CONTRACT,
        "side": _SIDE,
        "price": "Dollars for one unit of the base asset, whatever the quote.",
        "price_kind": "What the price is; only fills may be compared with a market price.",
        "quantity": "Units of the base asset.",
        "value_usd": "US dollars; dollar-like quotes on their peg count 1:1.",
        "timestamp_ms": "The exchange's clock: milliseconds since 1970, UTC.",
        "received_at_ms": _RECEIVED,
        "completeness": "Whether the feed has every liquidation, a sample, or only backstops.",
        "evidence": "Whether the venue called it a liquidation, or it was concluded.",
        "is_institutional": "Whether value_usd reached INSTITUTIONAL_THRESHOLD_USD.",
        "price_level": "The price rounded to the asset's step, in dollars, for grouping.",
        "liquidated_user": "Whose position it was, where the venue says; else null.",
        "liquidator": "Who took the position over, where the venue says; else null.",
        "source": _SOURCE,
        "contract_version": "Which contract metadata sizes were read with; null where none is "
        "needed.",
        "rate": "US dollars of one rate_currency, where the value was converted; else null.",
        "rate_currency": "The currency that was converted; else null.",
        "rate_age_ms": "Age of the rate when the frame was received, in milliseconds; else null.",
        "arrival": "How it reached the log: live, or late by nature (retried, backfilled, "
        "completed, imported), which the detector takes as history.",
        "stamped_at_ms": "What the producer's clock said where it is not believed and "
        "received_at_ms is the broker's append time; else null.",
        "schema_version": _VERSION,
    },
    "ScoreParts": {
        "speed": "How surprising the pace is, 0 to 1.",
        "volume": "How far the dollars exceed the floor, 0 to 1.",
        "imbalance": "How one-sided the dollars are, 0 to 1.",
        "concentration": "The share of the dollars in the busiest seconds, 0 to 1.",
        "breadth": "How many venues (market: assets) carry it, 0 to 1.",
    },
    "CascadeShare": {
        "name": "The venue, or in a market-wide cascade the asset.",
        "first_ms": "Half second of its first liquidation: milliseconds since 1970, UTC.",
        "cell_count": "Distinct pairs of symbol and half second with a liquidation.",
        "value_usd": "Its US dollars.",
        "usd_share": "Its share of the cascade's dollars, 0 to 1.",
    },
    "CascadePrice": {
        "kind": "What the prices are; only fills are where the market traded.",
        "exchange": "The venue whose prices they are.",
        "symbol": "The unified symbol.",
        "first": "The first price since the onset, in dollars.",
        "first_ms": "The exchange's time of it: milliseconds since 1970, UTC.",
        "now": "The newest price, in dollars.",
        "now_ms": "The exchange's time of it: milliseconds since 1970, UTC.",
        "move_bps": "From the first price to the newest, in basis points; negative is down.",
    },
    "CascadeEstimate": {
        "value_usd": "Estimated US dollars, with what sampled feeds leave out.",
        "low_usd": "The lower end of the range: what was published.",
        "high_usd": "The upper end of the range.",
        "not_estimated": "Venues whose dollars stand in it as published, for their sampling is not "
        "measured.",
    },
    "CascadeEvents": {
        "asset": "The base asset; empty for any.",
        "side": _SIDE,
        "from_ms": "timestamp_ms from here on: milliseconds since 1970, UTC.",
        "to_ms": "timestamp_ms up to here, itself not included.",
        "received_before_ms": "received_at_ms before this.",
    },
    "CascadeAnalysis": {
        "surprise": "Log-likelihood ratio against the normal rate, in nats.",
        "surprise_window_seconds": "The window in which the surprise is greatest, in seconds.",
        "normal_per_hour": "What is normal for this asset and side: weighted cells an hour.",
        "times_normal": "The last ten seconds as a multiple of the normal rate.",
        "cell_count": "Cells in the cascade: a venue, a symbol and half a second each.",
        "shares": "What each venue (market: asset) brought.",
        "complete_share": "The share of liquidations from complete feeds, 0 to 1.",
        "largest_usd": "The largest liquidation, in US dollars.",
        "peak_second_usd": "The busiest second, in US dollars.",
        "peak_ten_seconds_usd": "The busiest ten seconds, in US dollars.",
        "peak_window_usd": "The busiest detection window, in US dollars.",
        "last_event_ms": "Latest liquidation counted: milliseconds since 1970, UTC; 0 is unknown.",
        "late_count": "Liquidations that arrived more than ten seconds late.",
        "endogenous_share": "The share, 0 to 1, of complete feeds' liquidations that earlier ones "
        "triggered; null without a complete feed.",
        "first_generation": "How many of complete feeds' liquidations none triggered; an "
        "expectation, so not whole; null without a complete feed.",
        "branching_ratio": "How many liquidations one triggers, for this asset and side, from "
        "complete feeds alone; null for the reason in no_branching.",
        "no_branching": "Why there is no branching ratio: no complete feed, too few liquidations "
        "so far, or the whole market; else null.",
        "leader": "The venue (market: asset) that was first; null where two were, or only one is.",
        "lead_ms": "By how many milliseconds the leader was ahead of the next; else null.",
        "usd_times_normal": "The dollars of the last ten seconds as a multiple of the normal ones.",
    },
    "CascadeAlert": {
        "alert_id": "The same for the same step, however often delivered; deduplicate on it.",
        "cascade_id": "The same for all steps of one cascade; the record's key.",
        "sequence": "Counts the records of one cascade from 0; a link repeats that of the record "
        "whose numbers it has.",
        "type": "The step: watch, detected, escalated, updated, ended, or linked to a market-wide "
        "cascade.",
        "scope": "One asset, or the market as a whole.",
        "asset": "The base asset; empty for the market.",
        "side": _SIDE,
        "started_at_ms": "Estimated onset, before the decision: milliseconds since 1970, UTC.",
        "timestamp_ms": "End of the second of the decision: milliseconds since 1970, UTC.",
        "event_count": "Liquidations that venues published since the onset: a lower bound.",
        "total_value_usd": "Their US dollars: a lower bound.",
        "long_ratio": "Longs' share of the dollars in the detection window, 0 to 1.",
        "exchanges": "Venues that took part.",
        "symbols": "Unified symbols that took part; in a market-wide cascade, the assets.",
        "risk_score": "Present risk, 0 to 100; in an end, the worst.",
        "score_parts": "What the score is made of.",
        "basic_risk_score": "The simple score of pace and dollars, 0 to 100.",
        "price_first": "price.first; 0 for the market.",
        "price_last": "price.now; 0 for the market.",
        "largest_event_ids": "event_id of the largest liquidations, largest first.",
        "detector": "The detector and a digest of its configuration.",
        "ended_at_ms": "Last busy second of an ended cascade: milliseconds since 1970, UTC.",
        "notify": "Whether a person should be told; machines may read every record.",
        "parent_id": "In a link: cascade_id of the market-wide cascade that the cascade is part "
        "of; else null.",
        "children": "cascade_id of the single assets' cascades in a market-wide one.",
        "level": "The level of `risk_score`; at an end, the worst.",
        "analysis": "The numbers behind the decision; null from a detector without them.",
        "explanation": "The same in a sentence.",
        "caveat": "Null, or why the record differs from what an unbroken detector says: an end "
        "because the log was replaced, state was lost or settings changed, or a rebuilt state.",
        "end_reason": "Why the cascade ended: quiet, its level became the usual one, or an hour "
        "was over. Null before the end, and for an end that the log does not bring (`caveat`).",
        "continue_probability": "Probability that at least as much again as the total, and at "
        "least $250k, follows within 60 s. Null in an end, and from older detectors.",
        "expected_more_usd": "US dollars expected within 60 s; null likewise.",
        "price": "The price and how far it has moved since the onset, by one kind of one venue; "
        "null for the market, and where no price is known.",
        "usd_per_second": "US dollars a second in the last ten seconds; in an end, in the worst.",
        "estimate": "What was liquidated in truth, estimated where feeds are sampled; null where "
        "no feed is, and for the market.",
        "blind": "Venues, or venue:feed, of which nothing was received at that time.",
        "events": "Which liquidations the record counts: a filter on the events.",
        "schema_version": _VERSION,
    },
    "PulseSlice": {
        "second_ms": "Start of the second: milliseconds since 1970, UTC.",
        "event_count": "Liquidations in it.",
        "value_usd": "Their US dollars.",
    },
    "Pulse": {
        "asset": "The base asset; the record's key.",
        "side": _SIDE,
        "timestamp_ms": "End of that second of the log's clock: milliseconds since 1970, UTC.",
        "slices": "The liquidations by their own seconds.",
        "exchanges": "Venues that took part.",
        "complete_count": "How many came from complete feeds.",
        "largest_event_id": "event_id of the largest.",
        "largest_usd": "Its US dollars.",
        "blind": "Venues, or venue:feed, of which nothing was received then.",
        "schema_version": _VERSION,
    },
    "RejectedEntry": {
        "entry": "Counts the rejections of one frame from 0.",
        "reason": "Reason code.",
        "detail": "The reason in a sentence.",
    },
    "Rejected": {
        "reason": "Reason code; of the first entry where `entries` has several.",
        "detail": "The reason in a sentence; of the first entry where `entries` has several.",
        "exchange": _EXCHANGE + " Empty where it is not known.",
        "feed": "The venue's endpoint; empty where it is not known.",
        "received_at_ms": _RECEIVED,
        "payload": "The original bytes, base64.",
        "stage": "The stage that rejected it.",
        "entry": "Counts the rejections of one frame from 0; not 0 only in records of writers "
        "before 2026-12, which published one for each entry.",
        "source": _SOURCE,
        "entries": "Every rejected entry of the frame, the first one included, at most 100; empty "
        "where there is only one.",
        "schema_version": _VERSION,
    },
    "FeedStatus": {
        "exchange": _EXCHANGE,
        "feed": "The venue's endpoint.",
        "connection": "Which of the producers' connections.",
        "event": "What happened.",
        "timestamp_ms": "When, by the producer's clock: milliseconds since 1970, UTC.",
        "detail": "What is known about it, in a sentence.",
        "from_ms": (
            "Of a gap, and of a connection that is down: since when frames may be missing; "
            "milliseconds since 1970, UTC. The end of a repair has the gap's."
        ),
        "to_ms": "Of a gap: until when; milliseconds since 1970, UTC.",
        "row_count": "Of the end of a repair: the liquidations that the venue's history has "
        "within the gap, or within all the gaps that were repaired together; null otherwise.",
        "request_count": "Of the end of a repair: the requests that the venue answered; null "
        "otherwise.",
        "schema_version": _VERSION,
    },
    "Instrument": {
        "exchange": _EXCHANGE,
        "native_symbol": "The venue's own name of the contract.",
        "base": "The asset whose price the contract follows.",
        "quote": "The currency that the price is in.",
        "settle": "The currency that gains and losses are paid in.",
        "contract": _CONTRACT,
        "contract_size": "What a size of 1 is: units of the base asset (linear), of the quote "
        "currency (inverse), of the settlement currency for each unit of the price (quanto).",
        "as_of": "ISO date on which this was true.",
        "valid_from_ms": "Since when it holds: milliseconds since 1970, UTC; null is always.",
        "schema_version": _VERSION,
    },
    "OpenPosition": {
        "position_id": "The same for an account and symbol in every snapshot; it does not tell the "
        "account.",
        "exchange": _EXCHANGE,
        "symbol": "The unified symbol: the base and USDT for every dollar-like quote.",
        "native_symbol": "The venue's own name of the contract.",
        "base": "The asset whose price the contract follows.",
        "side": "LONG or SHORT: the position.",
        "quantity": "Units of the base.",
        "value_usd": "quantity times mark_price, in US dollars.",
        "mark_price": "The venue's mark price: US dollars of one unit of the base.",
        "timestamp_ms": "When the engine received the snapshot, the same for all its positions: "
        "milliseconds since 1970, UTC.",
        "liquidation_price": "The mark price at which the venue expects to liquidate the position, "
        "while the account's other positions stay as they are; null where it states none.",
        "entry_price": "The average price at which the position was opened; null where the venue "
        "states none.",
        "schema_version": _VERSION,
    },
    "DetectionStatus": {
        "detector": "The detector, with a digest of its configuration.",
        "worker": "The slot of the worker that writes it; the record's key.",
        "timestamp_ms": "When, by the worker's clock: milliseconds since 1970, UTC.",
        "partition_count": "Partitions of the events topic.",
        "assigned_count": "How many of them this worker has.",
        "assets_decided_until_ms": "Every second before is decided for single assets, in the "
        "slowest partition too: the log's clock, milliseconds since 1970, UTC; null before the "
        "first.",
        "market_decided_until_ms": "The same for the whole market, and for links to it.",
        "behind_ms": "timestamp_ms less the earlier of both, in milliseconds; of a log that is "
        "replayed, its age.",
        "behind_records": "Records of the slowest partition that are not committed as decided; "
        "null where the brokers did not say.",
        "slowest_partition": "The partition of the events topic that is decided least far.",
        "waiting_partitions": "Partitions that say nothing while others go on, 16 at most.",
        "schema_version": _VERSION,
    },
    "Undelivered": {
        "receiver": "The receiver of the rules; empty where no rule was asked.",
        "message_id": "The message's id: `alert_id`, `event_id` or a digest.",
        "reason": "Why it was given up, in a word.",
        "detail": "Why, in a sentence.",
        "timestamp_ms": "When it was given up: milliseconds since 1970, UTC.",
        "payload": "What was to be sent to a webhook, base64 in JSON.",
        "schema_version": _VERSION,
    },
    "Rate": {
        "currency": "The currency; the record's key.",
        "usd": "US dollars of one unit.",
        "timestamp_ms": "When this was true: milliseconds since 1970, UTC.",
        "source": "Where it came from: the engine's own events, or a ticker.",
        "schema_version": _VERSION,
    },
}
