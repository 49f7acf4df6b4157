"""Sensors on Hyperliquid: followed market makers, whose fills prove liquidations of others.

A market maker's fill has the account that was liquidated against it, and the transaction (`hash`).
The public trades of that transaction with the same taker are the rest of the liquidation.
- `orders`: which order a trade belongs to, and which one a fill proves to be a liquidation (pure);
- `amounts`: the dollars of a trade or fill (pure);
- `frames`: the entries of a message, as bytes (pure);
- `join`: joins hits and trades, within ten seconds and bounded memory (pure);
- `makers`: counts the makers of public trades, the candidates (pure);
- `pool`: what the candidates' fills proved, and when one is exchanged for another (pure);
- `selection`: selects the accounts that prove most (pure).
"""

from liq.producers.sensors.join import Joined, TradeJoin
from liq.producers.sensors.makers import MakerTally
from liq.producers.sensors.pool import Exchange, SensorPool
from liq.producers.sensors.selection import Chosen, MakerFill, choose_sensors

__all__ = [
    "Chosen",
    "Exchange",
    "Joined",
    "MakerFill",
    "MakerTally",
    "SensorPool",
    "TradeJoin",
    "choose_sensors",
]
