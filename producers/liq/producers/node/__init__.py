"""The fills that a Hyperliquid node writes: its files, and the new lines in them.

- `lines`: facts of one line, found without parsing it (pure);
- `positions`: the position up to which each file was read, as text for a Kafka header (pure);
- `hours`: the files of a tree, and a reader of one from a position;
- `tail`: the new lines of a tree, in the files' order.
`liq.producers.live.node_runner` publishes them.
"""

from liq.producers.node.hours import DamagedHourError, NotATreeError, find_tree
from liq.producers.node.positions import Hour, Positions, beginning, hour_of, merged
from liq.producers.node.tail import Batch, Message, Tail, starting_positions

__all__ = [
    "Batch",
    "DamagedHourError",
    "Hour",
    "Message",
    "NotATreeError",
    "Positions",
    "Tail",
    "beginning",
    "find_tree",
    "hour_of",
    "merged",
    "starting_positions",
]
