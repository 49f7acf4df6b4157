"""Local exchanges that send data to their subscribers."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from liq.devstack.exchange.server import LocalExchange

PAUSE_SECONDS: Final = 0.05


@contextmanager
def sending(exchanges: Sequence[LocalExchange]) -> Iterator[None]:
    """Make every exchange send data frames to its subscribers repeatedly within the block."""
    is_over = threading.Event()

    def send() -> None:
        while not is_over.wait(PAUSE_SECONDS):
            for exchange in exchanges:
                if exchange.subscribers:
                    exchange.send()

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
