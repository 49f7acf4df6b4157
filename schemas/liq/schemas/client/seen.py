"""A bounded memory of ids."""

from collections import OrderedDict
from typing import Final

MAX_IDS: Final = 100_000


class SeenIds:
    """The newest `limit` ids; an older id counts as new again."""

    def __init__(self, limit: int = MAX_IDS) -> None:
        self._limit = limit
        self._ids: OrderedDict[str, None] = OrderedDict()

    def __len__(self) -> int:
        """Return the number of remembered ids."""
        return len(self._ids)

    def is_new(self, record_id: str) -> bool:
        """Remember an id; return whether it was not remembered before."""
        if record_id in self._ids:
            self._ids.move_to_end(record_id)
            return False
        self._ids[record_id] = None
        if len(self._ids) > self._limit:
            self._ids.popitem(last=False)
        return True
