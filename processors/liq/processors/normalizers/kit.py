"""The functions and types for a venue's module, in one import (docs/adding-a-venue.md).

- Declare: `Venue`, `Feed`, `history_of` a feed, `completion_of` a history, and for contract sizes
  `Contracts` with its `ContractList`s; `Reading` collects the results of the readers.
- Read fields: `needed` and `take` for several at once, `text`, `text_field`, `object_field`,
  `array_field`, `row_object`; `JsonObject` and `Getter` are their types.
- Convert values: `positive_decimal`, `positive_price`, `split_sign`, `is_zero`, `JSON_NUMBERS`,
  `timestamp`, `iso_milliseconds`, `liquidated_side`, `check_symbol`.
- Resolve symbols: `Market`, `new_market`, `split_quote`.
- Reject: `EntryError`, `unknown_message`, `unusable`, with `shown` around a sender's values.
"""

from liq.processors.normalizers.errors import EntryError, shown, unusable
from liq.processors.normalizers.fields import (
    Getter,
    JsonObject,
    array_field,
    check_symbol,
    iso_milliseconds,
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
from liq.processors.normalizers.metadata import (
    from_bitmex,
    from_coinm,
    from_gate,
    from_htx,
    from_lighter,
    from_okx,
)
from liq.processors.normalizers.numbers import (
    is_zero,
    positive_decimal,
    positive_price,
    split_sign,
)
from liq.processors.normalizers.reading import Reading
from liq.processors.normalizers.venue import (
    ContractList,
    Contracts,
    Feed,
    Venue,
    completion_of,
    history_of,
    unknown_message,
)

__all__ = [
    "JSON_NUMBERS",
    "ContractList",
    "Contracts",
    "EntryError",
    "Feed",
    "Getter",
    "JsonObject",
    "Market",
    "Reading",
    "Venue",
    "array_field",
    "check_symbol",
    "completion_of",
    "from_bitmex",
    "from_coinm",
    "from_gate",
    "from_htx",
    "from_lighter",
    "from_okx",
    "history_of",
    "is_zero",
    "iso_milliseconds",
    "liquidated_side",
    "needed",
    "new_market",
    "object_field",
    "positive_decimal",
    "positive_price",
    "row_object",
    "shown",
    "split_quote",
    "split_sign",
    "take",
    "text",
    "text_field",
    "timestamp",
    "unknown_message",
    "unusable",
]
