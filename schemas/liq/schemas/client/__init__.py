"""A client of the public topics: typed records, each once, and the meaning of silence.

It requires the extra `client` (`pip install 'liquidation-schemas[client]'`), which adds aiokafka.
"""

from liq.schemas.client.horizon import Horizon, Liveness
from liq.schemas.client.messages import MessageReader
from liq.schemas.client.reader import Reader, Received
from liq.schemas.client.seen import SeenIds
from liq.schemas.client.starts import Newest, Oldest, Since

__all__ = [
    "Horizon",
    "Liveness",
    "MessageReader",
    "Newest",
    "Oldest",
    "Reader",
    "Received",
    "SeenIds",
    "Since",
]
