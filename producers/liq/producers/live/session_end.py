"""The end of a websocket connection, in words."""

from dataclasses import dataclass
from typing import Final

from websockets.exceptions import ConnectionClosed, InvalidStatus

from liq.runtime.retry import asked_pause_seconds

TOO_LARGE: Final = 1009
RATE_LIMITED: Final = frozenset({418, 429})
MAX_SHOWN_LOCATION: Final = 100


@dataclass(frozen=True, slots=True)
class SessionEnd:
    """Why a connection ended. `is_refused`: the venue accepted none of the subscriptions.

    `is_limited`: the venue limits requests (HTTP 418, 429), for `pause_seconds` if it stated them.
    """

    reason: str
    is_refused: bool = False
    is_limited: bool = False
    pause_seconds: float = 0.0


def describe_error(error: BaseException) -> str:
    """Return an error's message, or the name of its class if it has none."""
    return str(error) or type(error).__name__


def describe_refusals(refused: dict[str, str]) -> str:
    """Return one line with the first three refused names, the number of others, and a reason."""
    name, reason = next(iter(refused.items()), ("", "nothing to subscribe to"))
    shown = ", ".join(list(refused)[:3]) or name
    more = f" and {len(refused) - 3} more" if len(refused) > 3 else ""  # noqa: PLR2004 - as said
    return f"{shown}{more}: {reason}"


def closed(error: ConnectionClosed, max_frame_bytes: int) -> SessionEnd:
    """Return the end of a connection that was closed."""
    if error.sent is not None and error.sent.code == TOO_LARGE and not error.rcvd_then_sent:
        return SessionEnd(f"oversize: a frame over {max_frame_bytes} bytes (1009)")
    return SessionEnd(f"closed: {error}")


def refused_handshake(error: InvalidStatus) -> SessionEnd:
    """Return the end of a connection whose handshake the venue refused."""
    status = error.response.status_code
    location = error.response.headers.get("Location", "")
    to_host = f", a redirect to {location[:MAX_SHOWN_LOCATION]}" if location else ""
    return SessionEnd(
        f"the handshake was answered with HTTP {status}{to_host}",
        is_limited=status in RATE_LIMITED,
        pause_seconds=asked_pause_seconds(error.response.headers.get("Retry-After")),
    )
