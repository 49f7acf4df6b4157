"""One request to a venue's history, and its errors by whether a retry may help."""

from typing import Final

import aiohttp

from liq.producers.feeds.frames import MAX_FRAME_BYTES
from liq.producers.live.listing import ListingError, get_body
from liq.producers.live.session_end import RATE_LIMITED, describe_error
from liq.runtime.retry import asked_pause_seconds

TIMEOUT_SECONDS: Final = 30.0
SERVER_ERRORS: Final = range(500, 600)
#: Statuses that may pass: the request was too slow (408) or too early (425).
PASSING: Final = frozenset({408, 425})


class LimitedError(Exception):
    """Error of a rate limit: the venue asks for a pause of `seconds`, 0 if it states none."""

    def __init__(self, seconds: float) -> None:
        super().__init__("the venue answers that it is asked too often")
        self.seconds = seconds


class UnansweredError(Exception):
    """Error of a missing or incomplete answer; a retry may succeed."""


class RefusedError(Exception):
    """Error of a request that the venue refuses; a retry does not help."""


async def ask(
    client: aiohttp.ClientSession,
    address: str,
    posted: bytes | None = None,
    max_bytes: int = MAX_FRAME_BYTES,
) -> bytes:
    """Return the bytes of an answer, of at most `max_bytes`, to a GET or a `posted` document.

    Raises:
        LimitedError: the venue limits requests.
        UnansweredError: there is no whole answer; a retry may succeed.
        RefusedError: the venue refuses, or the answer is too large.
    """
    try:
        return await get_body(client, address, max_bytes, posted)
    except aiohttp.ClientResponseError as error:
        pause = limit_seconds(error)
        if pause is not None:
            raise LimitedError(pause) from error
        sentence = f"the venue answers {error.status}"
        if error.status in SERVER_ERRORS or error.status in PASSING:
            raise UnansweredError(sentence) from error
        raise RefusedError(sentence) from error
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise UnansweredError(describe_error(error)) from error
    except ListingError as error:
        raise RefusedError(str(error)) from error


def limit_seconds(error: BaseException | None) -> float | None:
    """Return the pause that a rate limit's answer states, 0 without one; None for other errors."""
    if not isinstance(error, aiohttp.ClientResponseError) or error.status not in RATE_LIMITED:
        return None
    return asked_pause_seconds(None if error.headers is None else error.headers.get("Retry-After"))
