"""Listings over REST: the markets of exchanges that have no wildcard subscription."""

from collections.abc import Mapping
from typing import Final

import aiohttp
import orjson

from liq.producers.feeds import FeedSpec, SymbolListing
from liq.producers.live.redirects import MAX_REDIRECTS, REDIRECTS, RedirectError, redirected
from liq.producers.live.session import USER_AGENT
from liq.producers.live.session_end import describe_error

JSON_HEADERS: Final = {"Content-Type": "application/json"}
TIMEOUT_SECONDS: Final = 20.0
MAX_ANSWER_BYTES: Final = 16 * 1_048_576
MAX_PAGES: Final = 50


class ListingError(Exception):
    """Error of a listing: no answer, an unreadable one, or one that is too large."""


async def list_symbols(feed: FeedSpec, listing: SymbolListing, address: str) -> tuple[str, ...]:
    """Return every market of a feed, sorted.

    Raises:
        ListingError: there is no answer, or it cannot be read.
    """
    return await list_from(feed.label, listing, address)


async def list_from(label: str, listing: SymbolListing, address: str) -> tuple[str, ...]:
    """Return the names of all pages of a listing, sorted; errors begin with `label`.

    Raises:
        ListingError: there is no answer, or it cannot be read.
    """
    found: set[str] = set()
    extra: Mapping[str, str] | None = {}
    try:
        async with new_client(TIMEOUT_SECONDS) as client:
            if listing.body is not None:
                found.update(await _posted(client, listing, listing.body, address))
            for _ in range(MAX_PAGES if listing.body is None else 0):
                document = await get_document(client, address + _query(extra or {}))
                found.update(listing.parse(document))
                extra = listing.next_page(document) if listing.next_page else None
                if not extra:
                    break
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise ListingError(f"{label}: {describe_error(error)}") from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ListingError(f"{label}: the listing cannot be read ({error!r})") from error
    if not found:
        raise ListingError(f"{label}: the listing is empty")
    return tuple(sorted(found))


def new_client(timeout_seconds: float) -> aiohttp.ClientSession:
    """Return an HTTP client with our User-Agent and a time limit for each request."""
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=timeout_seconds),
        headers={"User-Agent": USER_AGENT},
        trust_env=True,
    )


async def get_document(
    client: aiohttp.ClientSession, address: str, max_bytes: int = MAX_ANSWER_BYTES
) -> object:
    """Return the parsed JSON of an address.

    Raises:
        ListingError: the answer is too large, or redirects to another host.
        ClientError: there is no answer, or one with an error's status.
        ValueError: the answer is not JSON.
    """
    return orjson.loads(await get_body(client, address, max_bytes))


async def post_document(
    client: aiohttp.ClientSession,
    address: str,
    body: Mapping[str, str],
    max_bytes: int = MAX_ANSWER_BYTES,
) -> object:
    """Return the parsed JSON with which an address answers a POST of JSON.

    Raises:
        ListingError: the answer is too large, or a redirect.
        ClientError: there is no answer, or one with an error's status.
        ValueError: the answer is not JSON.
    """
    return orjson.loads(await get_body(client, address, max_bytes, orjson.dumps(dict(body))))


async def get_body(
    client: aiohttp.ClientSession, address: str, max_bytes: int, posted: bytes | None = None
) -> bytes:
    """Return the body of an address, or of the answer to a `posted` JSON document.

    Raises:
        ListingError: the answer is too large, redirects to another host, or redirects a POST.
        ClientError: there is no answer, or one with an error's status.
    """
    for _ in range(MAX_REDIRECTS):
        request = (
            client.get(address, allow_redirects=False)
            if posted is None
            else client.post(address, data=posted, headers=JSON_HEADERS, allow_redirects=False)
        )
        async with request as response:
            if response.status in REDIRECTS:
                if posted is not None:
                    raise ListingError("the address redirects a POST")
                try:
                    address = redirected(address, response.headers.get("Location", ""))
                except RedirectError as error:
                    raise ListingError(str(error)) from error
                continue
            response.raise_for_status()
            return await _limited(response, max_bytes)
    raise ListingError(f"the address redirects more than {MAX_REDIRECTS} times")


async def _limited(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(65_536):
        body += chunk
        if len(body) > max_bytes:
            raise ListingError(f"the answer is over {max_bytes} bytes")
    return bytes(body)


async def _posted(
    client: aiohttp.ClientSession, listing: SymbolListing, body: Mapping[str, str], address: str
) -> set[str]:
    """Return the names in the answers to a listing's POST requests, of at most `MAX_PAGES`."""
    found: set[str] = set()
    bodies = [body]
    for number in range(MAX_PAGES):
        if number == len(bodies):
            break
        document = await post_document(client, address, bodies[number])
        found.update(listing.parse(document))
        bodies += listing.next_bodies(document) if listing.next_bodies else ()
    return found


def _query(extra: Mapping[str, str]) -> str:
    return "".join(f"&{name}={value}" for name, value in extra.items())
