"""The filters of a reader of streams."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final

from liq.schemas.vocabulary import Side
from liq.web.records import CENTS, Facets

MAX_NAMES: Final = 50
MAX_DOLLARS: Final = 10**15
_NAME: Final = re.compile(r"[\w:.@/-]{1,64}")


class FilterError(ValueError):
    """A filter is invalid; the message has the valid values."""


@dataclass(frozen=True, slots=True)
class Filters:
    """The names that a record must have, and its least value; an empty set accepts any name.

    A record without an exchange, asset or side passes the filter of that field.
    """

    exchanges: frozenset[str] = frozenset()
    assets: frozenset[str] = frozenset()
    sides: frozenset[str] = frozenset()
    least_cents: int = 0

    def accept(self, facets: Facets) -> bool:
        """Return whether a record passes the filters."""
        return (
            (
                not self.exchanges
                or not facets.exchanges
                or not self.exchanges.isdisjoint(facets.exchanges)
            )
            and (not self.assets or not facets.asset or facets.asset in self.assets)
            and (not self.sides or not facets.side or facets.side in self.sides)
            and (facets.cents >= self.least_cents or not facets.identity)
        )


def parse_filters(query: Mapping[str, str]) -> Filters:
    """Parse the filters of a query: `exchange`, `asset`, `side` (comma separated), `min_usd`.

    Raises:
        FilterError: a value is invalid.
    """
    sides = _names(query.get("side", ""), "side")
    unknown = sides - {side.value for side in Side}
    if unknown:
        raise FilterError(f"side is {' or '.join(Side)}, of the liquidated position")
    return Filters(
        exchanges=frozenset(name.lower() for name in _names(query.get("exchange", ""), "exchange")),
        assets=_names(query.get("asset", ""), "asset"),
        sides=sides,
        least_cents=_least_cents(query.get("min_usd", "")),
    )


def _names(text: str, what: str) -> frozenset[str]:
    names = [name for name in (part.strip() for part in text.split(",")) if name]
    if len(names) > MAX_NAMES:
        raise FilterError(f"{what} takes at most {MAX_NAMES} names")
    for name in names:
        if _NAME.fullmatch(name) is None:
            raise FilterError(f"{what} takes names, comma separated, of at most 64 characters")
    return frozenset(names)


def _least_cents(text: str) -> int:
    if not text:
        return 0
    try:
        dollars = Decimal(text)
    except InvalidOperation as error:
        raise FilterError("min_usd is a number of dollars") from error
    if not dollars.is_finite() or not 0 <= dollars <= MAX_DOLLARS:
        raise FilterError(f"min_usd lies between 0 and {MAX_DOLLARS}")
    return int(dollars * CENTS)
