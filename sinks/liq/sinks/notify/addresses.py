"""The addresses that a webhook may resolve to: by default no internal address."""

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult

#: Addresses of these networks carry an IPv4 address in their last 32 bits (RFC 6052, RFC 8215).
TRANSLATED: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
RESOLVE_SECONDS: Final = 5.0


class InternalAddressError(OSError):
    """A name resolves to an internal address, or the address itself is internal."""


def is_internal(address: str) -> bool:
    """Return whether an IP address is anything but a public address of a single host."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return True
    return any(not each.is_global or each.is_multicast for each in (found, *_carried(found)))


def _carried(address: IPv4Address | IPv6Address) -> tuple[IPv4Address, ...]:
    """Return the IPv4 addresses that are embedded in an IPv6 address."""
    if isinstance(address, IPv4Address):
        return ()
    carried = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if any(address in network for network in TRANSLATED):
        carried.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return tuple(each for each in carried if each is not None)


class CheckedResolver(AbstractResolver):
    """A resolver that rejects internal addresses unless they are allowed.

    The client connects to exactly the addresses that were checked, so a name cannot resolve
    differently in between.
    """

    def __init__(self, *, allow_internal: bool) -> None:
        self._allow_internal = allow_internal

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of a name.

        Raises:
            InternalAddressError: at least one of them is internal.
            OSError: the name has no address, or no name server answers.
        """
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(RESOLVE_SECONDS):
            found = await loop.getaddrinfo(
                host, port, type=socket.SOCK_STREAM, family=family, flags=socket.AI_ADDRCONFIG
            )
        results = []
        for found_family, _, protocol, _, address in found:
            text = str(address[0])
            if not self._allow_internal and is_internal(text):
                raise InternalAddressError("the name stands for an internal address")
            results.append(
                ResolveResult(
                    hostname=host,
                    host=text,
                    port=port,
                    family=found_family,
                    proto=protocol,
                    flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
                )
            )
        return results

    async def close(self) -> None:
        """Do nothing: there are no resources to release."""
