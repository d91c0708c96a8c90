"""The addresses that webhooks may be sent to.

Callers choose where Enamel sends. What they cannot reach themselves must not be reachable through it: the machine's own
services, its neighbours, the metadata service of the cloud that it runs in.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from enamel.model.errors import Fault

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

LOOKUP_TIMEOUT = timedelta(seconds=3)
"""For a host name when a task is accepted; one that takes longer is looked up again when something is sent."""

_SPECIAL = tuple(
    map(
        ipaddress.ip_network,
        ("192.0.0.0/24", "192.88.99.0/24", "100::/64", "3fff::/20", "5f00::/16", "fec0::/10"),
    )
)
"""Networks that not every version of Python knows to be nobody's: documentation, segment routing, site-local addresses;
some clouds have their metadata service in one of them."""
_TRANSLATED = tuple(
    map(ipaddress.IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "::/96", "::ffff:0:0:0/96"))
)
"""IPv6 networks whose last 32 bits are an IPv4 address."""


_ISATAP = (0x00005EFE, 0x02005EFE)
"""The upper half of an interface identifier whose lower half is an IPv4 address (RFC 5214), in any network."""


class Refused(Exception):
    """An address that webhooks are not sent to."""


class WebhookTargets:
    """Allows public addresses, and those that the configuration allows."""

    def __init__(self, allowed: Iterable[Network] = (), *, resolve: Resolve | None = None) -> None:
        self._allowed = tuple(allowed)
        self._resolve = resolve or _resolve

    def passes(self, address: str) -> bool:
        """Return whether webhooks may be sent to an IP address."""
        parsed = ipaddress.ip_address(address.partition("%")[0])
        return self._is_allowed(parsed) or all(self._is_fine(inner) for inner in (parsed, *_within(parsed)))

    async def addresses(self, host: str, port: int) -> list[str]:
        """Return the allowed addresses of a host; the caller connects to these and no others.

        Raises:
            Refused: It has none.
            OSError: The name cannot be looked up.
        """
        resolved = list(await self._resolve(host, port))
        fine = [address for address in resolved if self.passes(address)]
        if not fine:
            raise Refused(
                f"{host} resolves to {', '.join(resolved) or 'no address'}, where this service sends nothing: webhooks go to "
                "public addresses"
            )
        return fine

    async def faults(self, urls: Sequence[str]) -> list[Fault]:
        """Return a fault for each URL that is known now to be refused."""
        refusals = await asyncio.gather(*(self._refusal(url) for url in urls))
        return [
            Fault(pointer=f"/notify/{place}/url", detail=f"{text}.", code="refused")
            for place, text in enumerate(refusals)
            if text is not None
        ]

    async def _refusal(self, url: str) -> str | None:
        try:
            parts = urlsplit(url)
            async with asyncio.timeout(LOOKUP_TIMEOUT.total_seconds()):
                await self.addresses(parts.hostname or "", parts.port or 443)
        except Refused as refused:
            return str(refused)
        except (OSError, ValueError, TimeoutError):
            # It cannot be known now; a name that does not resolve is tried again when there is something to send.
            return None
        return None

    def _is_allowed(self, address: Address) -> bool:
        return any(address.version == network.version and address in network for network in self._allowed)

    def _is_fine(self, address: Address) -> bool:
        special = address.is_multicast or address.is_reserved or address.is_unspecified
        special = special or any(address in network for network in _SPECIAL)
        return self._is_allowed(address) or (address.is_global and not special)


def _within(address: Address) -> Iterator[ipaddress.IPv4Address]:
    """Yield the IPv4 addresses that a packet to an IPv6 address may be delivered to."""
    if isinstance(address, ipaddress.IPv4Address):
        return
    for inner in (address.ipv4_mapped, address.sixtofour, *(address.teredo or ())):
        if inner is not None:
            yield inner
    if any(address in network for network in _TRANSLATED) or int(address) >> 32 & 0xFFFFFFFF in _ISATAP:
        yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)


async def _resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host."""
    loop = asyncio.get_running_loop()
    answers: list[Any] = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(info[4][0] for info in answers))
