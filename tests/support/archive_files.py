"""Archives of liquidations as texts, and the importer's results."""

from decimal import Decimal

from liq.processors.archives import ARCHIVES, BadLine, FileHead, Importer, Line, find_archive
from liq.processors.normalizers import NormalizerConfig, load_snapshot
from liq.schemas.client import SeenIds
from liq.schemas.records import Liquidation

CONFIG = NormalizerConfig(Decimal(100_000), Decimal(100))
BOOK = load_snapshot()
TARDIS = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount"
TARDIS_PATH = "binance-futures_liquidations_2025-03-01_PERPETUALS.csv"
VISION = (
    "time,side,order_type,time_in_force,original_quantity,price,average_price,order_status,"
    "last_fill_quantity,accumulated_fill_quantity"
)
VISION_PATH = "BTCUSD_PERP-liquidationSnapshot-2023-06-25.csv"
AGENTFEED = "ts_ms,utc_time,symbol,exchange,event,size,price,usd"
CRYPTOFEED = "exchange,symbol,side,quantity,price,id,status,timestamp,receipt_timestamp"


def import_text(
    text: str | bytes, path: str = "archive.csv", form: str = ""
) -> tuple[list[Liquidation], list[BadLine], int]:
    """Import a file; return its events, its bad lines, and the number of repeated events.

    Raises:
        UnusableFileError: the file cannot be imported.
    """
    contents = (text.encode() if isinstance(text, str) else text).split(b"\n")
    lines = [Line(number, content) for number, content in enumerate(contents, start=1)]
    head = FileHead(path, *(line.content for line in lines[:2]))
    archive = ARCHIVES[form] if form else find_archive(head)
    importer = Importer(f"import:{archive.name}:{head.name}", BOOK, CONFIG, SeenIds().is_new)
    results = [
        result for item in archive.open(head, BOOK)(iter(lines)) for result in importer.read(item)
    ]
    events = [result for result in results if isinstance(result, Liquidation)]
    return events, [each for each in results if isinstance(each, BadLine)], importer.repeats


def import_events(*lines: str, path: str = "archive.csv", form: str = "") -> list[Liquidation]:
    """Import lines without bad or repeated ones; return their events."""
    events, bad, repeats = import_text("\n".join(lines), path, form)
    assert (bad, repeats) == ([], 0)
    return events
