"""The faults of a local exchange."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from liq.devstack.exchange.limits import LimitKeeper


@dataclass(eq=False)
class Faults:
    """How a local exchange misbehaves; without changes it does not.

    - `refused`: names whose subscription is refused
    - `is_mute`: requests get no answer
    - `status`: handshakes get this HTTP status, and `retry_after_seconds` if set
    - `listing_status`: the HTTP status of the listing of markets; `listing` is its content
    - `repeats`: new subscribers get the last hundred frames again
    - `cuts_subscribers`: connections are reset as soon as they are subscribed
    - `is_selective`: a data frame goes only to connections that subscribed to its symbol
    - `limits`: the connection of a client that violates a limit is closed (1008)
    - `answer_seconds`: the delay of answers
    - `ignored`: names whose subscription is not answered
    - `greeting`: a message to every connection once it is subscribed
    - `close_reason`: connections are closed with it (1008) as soon as they are subscribed
    - `freezes_subscribers`: connections are no longer read once they are subscribed
    - `is_silent`: data frames are neither sent nor added to the ledger
    - `clock_offset_ms`: the offset of data frames' times from this machine's clock; without it,
      times start at `START_MS`
    """

    refused: frozenset[str] = frozenset()
    is_mute: bool = False
    status: int | None = None
    retry_after_seconds: int | None = None
    listing_status: HTTPStatus = HTTPStatus.OK
    listing: Any = None
    repeats: bool = False
    cuts_subscribers: bool = False
    is_selective: bool = False
    limits: LimitKeeper | None = None
    answer_seconds: float = 0.0
    ignored: frozenset[str] = frozenset()
    greeting: bytes | str = ""
    close_reason: str = ""
    freezes_subscribers: bool = False
    is_silent: bool = False
    clock_offset_ms: int | None = None
