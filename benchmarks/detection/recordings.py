"""The recorded liquidations of `data/captures` as the detector's input, and variants of them."""

import gzip
import random
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Final

from liq.processors.cascades.observation import Observation, view_event
from liq.processors.normalizers import FrameMetadata, NormalizerConfig, load_snapshot, normalize
from liq.schemas.capture import parse_capture_line
from liq.schemas.records import Liquidation
from liq.schemas.units import MILLISECOND_NS

CAPTURES: Final = Path(__file__).parents[2] / "data" / "captures"
THREE_VENUES: Final = "2026-07-08_2026-07-10_binance_bybit_okx.jsonl.gz"
WHOLE_BINANCE: Final = "2025-07-18_binance.jsonl.gz"
RECORDINGS: Final = (THREE_VENUES, WHOLE_BINANCE)
NORMALIZER: Final = NormalizerConfig(Decimal(100_000), Decimal(100))
VARIANTS: Final = 10
# A variant keeps this share of the events, and moves each event by at most this much.
KEPT_SHARE: Final = 0.85
SIZE_SIGMA: Final = 0.3
MOST_MOVED_MS: Final = 300
MOST_SHIFTED_MS: Final = 10_000


@cache
def liquidations_of(name: str) -> tuple[Liquidation, ...]:
    """Normalize a recording; return its liquidations in the order of receipt."""
    book = load_snapshot()
    with gzip.open(CAPTURES / name) as lines:
        return tuple(
            record
            for line in map(parse_capture_line, lines)
            for record in normalize(
                line.frame.encode(),
                FrameMetadata(line.exchange, line.feed, line.received_at_ns // MILLISECOND_NS),
                book,
                NORMALIZER,
            )
            if isinstance(record, Liquidation)
        )


@cache
def observations_of(name: str) -> tuple[Observation, ...]:
    """Return the plausible liquidations of a recording, in the order of receipt."""
    views = map(view_event, liquidations_of(name))
    return tuple(view for view in views if isinstance(view, Observation))


def variant(observations: Sequence[Observation], seed: int) -> list[Observation]:
    """Return a plausible variant of a recording: fewer events, other sizes, slightly moved.

    A recording has few bursts, and the choice of thresholds may fit them by chance. A variant has
    about the same bursts, and such a rule performs worse on it.
    """
    numbers = random.Random(seed)  # noqa: S311 - not for secrets
    shift_ms = numbers.randrange(MOST_SHIFTED_MS)
    kept = []
    for event in observations:
        if numbers.random() < KEPT_SHARE:
            moved_ms = shift_ms + numbers.randint(0, MOST_MOVED_MS)
            kept.append(
                event._replace(
                    timestamp_ms=event.timestamp_ms + moved_ms,
                    received_at_ms=event.received_at_ms + moved_ms,
                    cents=max(1, round(event.cents * numbers.lognormvariate(0, SIZE_SIGMA))),
                )
            )
    return sorted(kept, key=lambda event: (event.received_at_ms, event.event_id))
