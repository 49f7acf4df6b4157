"""Files in the format of a Hyperliquid node: blocks, or pairs of an owner and a fill."""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

START_SECONDS: Final = 1_760_130_000  # 2025-10-10 21:00 UTC
MAKER: Final = f"0x{1:040x}"


def owner(number: int) -> str:
    return f"0x{number:040x}"


def fill(number: int, victim: str | None = None, side: str = "A") -> dict[str, Any]:
    """Return one party's fill of a trade; with a victim, the fill of a liquidation."""
    found: dict[str, Any] = {
        "coin": "ETH", "px": "3800.5", "sz": "0.25", "side": side,
        "time": START_SECONDS * 1_000 + number, "startPosition": "1.5",
        "dir": "Close Long" if side == "A" else "Open Long", "closedPnl": "-15.5",
        "hash": f"0x{number:064x}", "oid": number, "crossed": side == "A", "fee": "0.4",
        "tid": number, "feeToken": "USDC", "twapId": None,
    }  # fmt: skip
    if victim is not None:
        found["liquidation"] = {"liquidatedUser": victim, "markPx": "3801.0", "method": "market"}
    return found


def both_fills(number: int, *, is_liquidation: bool = True) -> list[Any]:
    """Return both parties' fills of one trade, in which an account sells to the maker."""
    seller = owner(1_000 + number)
    victim = seller if is_liquidation else None
    return [[seller, fill(number, victim)], [MAKER, fill(number, victim, "B")]]


def block(
    number: int, events: Sequence[Any], *, seconds: float | None = None, written: str = "01"
) -> bytes:
    """Return one line of `node_fills_by_block`, without its newline."""
    at = number / 10 if seconds is None else seconds
    minutes, rest = divmod(at, 60)
    time = f"2025-10-10T21:{int(minutes):02}:{rest:09.6f}"
    line = {
        "local_time": f"2025-10-10T21:{int(minutes):02}:{written}.500000000",
        "block_time": time,
        "block_number": 758_000_000 + number,
        "events": events,
    }
    return json.dumps(line, separators=(",", ":")).encode()


def liquidation_block(number: int, **options: Any) -> bytes:
    return block(number, both_fills(number), **options)


def quiet_block(number: int, **options: Any) -> bytes:
    return block(number, both_fills(number, is_liquidation=False), **options)


def pair(number: int, *, is_liquidation: bool = True) -> bytes:
    """Return one line of `node_fills`."""
    found = both_fills(number, is_liquidation=is_liquidation)[0]
    return json.dumps(found, separators=(",", ":")).encode()


def hour_file(tree: Path, hour: int = 21, suffix: str = "") -> Path:
    """Return the path of an hour's file, and create its folder."""
    folder = tree / "20251010"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{hour}{suffix}"


def append(path: Path, *lines: bytes, end: bytes = b"\n") -> None:
    with path.open("ab") as file:
        file.write(b"".join(line + end for line in lines))


def main(tree: str, first: str, last: str) -> None:
    """Write blocks with liquidations, a hundred an hour, then hang within a line."""
    for number in range(int(first), int(last)):
        path = hour_file(Path(tree), number // 100)
        with path.open("ab", buffering=0) as file:
            line = liquidation_block(number, written=f"{int(first) % 60:02}")
            file.write(line[:50])
            file.write(line[50:] + b"\n")
        time.sleep(0.002)
    append(path, line[: len(line) // 2], end=b"")
    time.sleep(600)


if __name__ == "__main__":
    main(*sys.argv[1:])
