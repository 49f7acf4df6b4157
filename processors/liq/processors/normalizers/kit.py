"""The tools for writing a venue's module, in one import; docs/adding-a-venue.md uses them.

- Declare: `Venue`, `Feed`, and for contract sizes `Contracts` with a `CcxtList` or an `OwnList`;
  `Reading` collects what the readers return.
- Read fields: `needed` and `take` for several at once, `text`, `text_field`, `object_field`,
  `array_field`, `row_object`; `JsonObject` and `Getter` are their types.
- Convert values: `positive_decimal`, `positive_price`, `is_zero`, `JSON_NUMBERS`, `timestamp`,
  `liquidated_side`, `check_symbol`.
- Resolve symbols: `Market`, `new_market`, `split_quote`.
- Reject: `EntryError`, `unknown_message`, `unusable`, with `shown` around a sender's values.
"""

from liq.processors.normalizers.errors import EntryError, shown, unusable
from liq.processors.normalizers.fields import (
    Getter,
    JsonObject,
    array_field,
    check_symbol,
    liquidated_side,
    needed,
    object_field,
    row_object,
    take,
    text,
    text_field,
    timestamp,
)
from liq.processors.normalizers.json_types import JSON_NUMBERS
from liq.processors.normalizers.markets import Market, new_market, split_quote
from liq.processors.normalizers.metadata import from_bitmex
from liq.processors.normalizers.numbers import is_zero, positive_decimal, positive_price
from liq.processors.normalizers.reading import Reading
from liq.processors.normalizers.venue import (
    CcxtList,
    Contracts,
    Feed,
    OwnList,
    Venue,
    unknown_message,
)

__all__ = [
    "JSON_NUMBERS",
    "CcxtList",
    "Contracts",
    "EntryError",
    "Feed",
    "Getter",
    "JsonObject",
    "Market",
    "OwnList",
    "Reading",
    "Venue",
    "array_field",
    "check_symbol",
    "from_bitmex",
    "is_zero",
    "liquidated_side",
    "needed",
    "new_market",
    "object_field",
    "positive_decimal",
    "positive_price",
    "row_object",
    "shown",
    "split_quote",
    "take",
    "text",
    "text_field",
    "timestamp",
    "unknown_message",
    "unusable",
]
