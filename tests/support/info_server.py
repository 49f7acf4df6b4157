"""A local info endpoint of Hyperliquid: exchanges, coins, and accounts' fills, by POST."""

import json
import threading
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class InfoServer:
    """An info endpoint in a thread; use it in a `with` statement.

    Attributes:
        coins: The coins of each exchange; "" is the venue's own.
        fills: The newest fills of each account.
        requests: The bodies of all requests.
        failing: Accounts whose request is answered with status 500.
    """

    def __init__(self, coins: Mapping[str, Sequence[str]]) -> None:
        self.coins = dict(coins)
        self.fills: dict[str, list[Any]] = {}
        self.requests: list[Any] = []
        self.failing: set[str] = set()
        info = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                info.requests.append(body)
                answer = info.answer(body)
                content = json.dumps(answer).encode()
                self.send_response(500 if answer is None else 200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_arguments: object) -> None:
                """Log nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/info"

    def answer(self, body: Mapping[str, str]) -> Any:
        """Return the answer to a request; None is a failure."""
        if body["type"] == "perpDexs":
            return [None, *({"name": name} for name in self.coins if name)]
        if body["type"] == "meta":
            names = self.coins[body.get("dex", "")]
            gone = {"name": f"{body.get('dex', '')}GONE", "isDelisted": True}
            return {"universe": [*({"name": name} for name in names), gone]}
        account = body["user"]
        return None if account in self.failing else self.fills.get(account, [])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
