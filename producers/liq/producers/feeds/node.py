"""The declaration of the feed that is read from the files of a Hyperliquid node."""

from dataclasses import dataclass
from typing import Final

#: The chain makes several blocks a second, and nearly every one has fills.
SILENT_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class NodeFeed:
    """The feed of a node's files."""

    exchange: str
    name: str
    silence_seconds: float

    @property
    def label(self) -> str:
        """Return exchange and feed, for logs and task names."""
        return f"{self.exchange}.{self.name}"


# A silent node counts as lost long before the feed is stale.
NODE_FEED: Final = NodeFeed("hyperliquid", "nodeFills", 10 * SILENT_SECONDS)
