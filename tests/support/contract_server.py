"""A REST server on this machine that lists OKX's contracts, and can be told to misbehave."""

import json
import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from liq.devstack.ports import LOOPBACK
from liq.processors.normalizers import load_snapshot
from liq.schemas.records import Instrument
from liq.schemas.vocabulary import ContractKind


def okx_row(one: Instrument) -> dict[str, Any]:
    """A contract in the form of OKX's `public/instruments`."""
    is_inverse = one.contract is ContractKind.INVERSE
    return {
        "instId": one.native_symbol,
        "uly": f"{one.base}-{one.quote}",
        "settleCcy": one.settle,
        "ctVal": format(one.contract_size, "f"),
        "ctMult": "1",
        "ctValCcy": one.quote if is_inverse else one.base,
        "ctType": "inverse" if is_inverse else "linear",
    }


def linear_row(symbol: str, size: str = "0.1") -> dict[str, Any]:
    """A made-up linear swap."""
    base, quote, *_ = symbol.split("-")
    return {
        "instId": symbol,
        "uly": f"{base}-{quote}",
        "settleCcy": quote,
        "ctVal": size,
        "ctMult": "1",
        "ctValCcy": base,
        "ctType": "linear",
    }


class ContractServer:
    """Lists the shipped swaps of OKX and what `add` adds; `requests` counts the listings of swaps.

    While `status` is not 200, there is no answer but it.
    """

    def __init__(self) -> None:
        shipped = [one for one in load_snapshot().all() if one.exchange == "okx"]
        self.swaps = {
            one.native_symbol: okx_row(one)
            for one in shipped
            if one.native_symbol.endswith("-SWAP")
        }
        self.futures = {"BTC-USDT-261225": linear_row("BTC-USDT-261225", "0.01")}
        self.futures |= {
            one.native_symbol: okx_row(one)
            for one in shipped
            if not one.native_symbol.endswith("-SWAP")
        }
        self.status = 200
        self.requests = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                rows: Iterable[Any] = outer.futures.values()
                if self.path == "/swaps":
                    outer.requests += 1
                    rows = outer.swaps.values()
                body = json.dumps({"code": "0", "data": list(rows)}).encode()
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's
                pass

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def environment(self) -> dict[str, str]:
        """Settings that lead the reference worker here, and let it ask every second."""
        address = f"http://{LOOPBACK}:{self._server.server_address[1]}"
        return {
            "OKX_SWAP_CONTRACTS_URL": f"{address}/swaps",
            "OKX_FUTURES_CONTRACTS_URL": f"{address}/futures",
            "REFERENCE_ASK_SECONDS": "1",
        }

    def add(self, *symbols: str, size: str = "0.1") -> None:
        """List more swaps from now on."""
        self.swaps |= {symbol: linear_row(symbol, size) for symbol in symbols}
