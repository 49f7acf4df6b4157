"""The lists of contracts that venues publish, and the fetch of one of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from liq.producers.live.listing import ListingError, get_document, new_client
from liq.producers.live.session_end import describe_error
from liq.schemas.records import Instrument

TIMEOUT_SECONDS: Final = 20.0
MAX_CONTRACTS: Final = 20_000
MAX_DETAIL_CHARACTERS: Final = 300


class SourceError(Exception):
    """A venue did not list its contracts; the message has the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractSource:
    """A list of contracts of a venue: the response to a GET of `address`.

    Attributes:
        exchange: The venue.
        address: An http or https address.
        parse: Return the contracts of the parsed response, given an ISO date; raise `ValueError`
            with a sentence for a response that is not a list.
        lists: Return whether a contract of the venue belongs to this list.
        family_of: Return the family of a symbol; contracts of a family differ by their dates.
    """

    exchange: str
    address: str
    parse: Callable[[Any, str], list[Instrument]]
    lists: Callable[[Instrument], bool]
    family_of: Callable[[str], str]


async def fetch_contracts(source: ContractSource, as_of: str) -> list[Instrument]:
    """Return the contracts that a venue lists now, unchecked.

    Raises:
        SourceError: the venue does not answer, or its response cannot be parsed.
    """
    try:
        async with new_client(TIMEOUT_SECONDS) as client:
            document = await get_document(client, source.address)
        contracts = source.parse(document, as_of)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise SourceError(describe_error(error)) from error
    except ListingError as error:
        raise SourceError(str(error)) from error
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        detail = str(error)[:MAX_DETAIL_CHARACTERS]
        raise SourceError(f"the answer cannot be read: {detail}") from error
    if len(contracts) > MAX_CONTRACTS:
        raise SourceError(f"the answer lists {len(contracts)} contracts, over {MAX_CONTRACTS}")
    return contracts
