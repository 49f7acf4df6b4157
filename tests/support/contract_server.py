"""A REST server on this host that lists OKX's contracts, with optional failures."""

import json
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler
from typing import Any, Self

from liq.devstack.local_http import LocalHttp
from liq.processors.normalizers import load_snapshot
from liq.schemas.records import Instrument
from liq.schemas.vocabulary import ContractKind


def okx_row(one: Instrument) -> dict[str, Any]:
    """Return a contract in the format of OKX's `public/instruments`."""
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
    """Return an invented linear swap."""
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
    """A server of OKX's swaps in the package and those of `add`; `requests` counts its listings.

    While `status` is not 200, the server answers with that status only.
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
        self._http = LocalHttp(self._answer)

    def __enter__(self) -> Self:
        self._http.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self._http.__exit__(*exc)

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        rows: Iterable[Any] = self.futures.values()
        if handler.path == "/swaps":
            self.requests += 1
            rows = self.swaps.values()
        body = json.dumps({"code": "0", "data": list(rows)}).encode()
        handler.send_response(self.status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    @property
    def environment(self) -> dict[str, str]:
        """Return settings with which the reference worker requests this server every second."""
        return {
            "OKX_SWAP_CONTRACTS_URL": f"{self._http.address}/swaps",
            "OKX_FUTURES_CONTRACTS_URL": f"{self._http.address}/futures",
            "REFERENCE_ASK_SECONDS": "1",
        }

    def add(self, *symbols: str, size: str = "0.1") -> None:
        """List more swaps from now on."""
        self.swaps |= {symbol: linear_row(symbol, size) for symbol in symbols}
