"""The addresses of one subnet: which are in use, by whom, and which is next.

Addresses come from an iterator over the allocation pools, so an allocation costs the same in an empty and in a
full subnet; released addresses are used again only after the iterator has ended.
"""

from __future__ import annotations

import ipaddress
from collections import deque
from collections.abc import Iterator, Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Subnet = ipaddress.IPv4Network | ipaddress.IPv6Network


class Pool:
    """The addresses of one subnet."""

    def __init__(self, cidr: str, *, ranges: Sequence[tuple[str, str]]) -> None:
        """Start with all addresses free; `ranges` are the first and last addresses of the allocation pools."""
        self.cidr: Subnet = ipaddress.ip_network(cidr)
        self._ranges = [
            (int(ipaddress.ip_address(low)), int(ipaddress.ip_address(high))) for low, high in ranges
        ]
        self._fresh = self._walk()
        self._freed: deque[str] = deque()
        self._taken: dict[str, str] = {}

    def holds(self, address: str) -> bool:
        """Return whether an address belongs to the subnet."""
        try:
            value = ipaddress.ip_address(address)
        except ValueError:
            return False
        return value.version == self.cidr.version and value in self.cidr

    def owner(self, address: str) -> str | None:
        """Return the owner of an address, or None."""
        return self._taken.get(address)

    def take(self, owner: str, *, requested: str = "") -> str | None:
        """Allocate the requested or the next free address; None when it is in use or none is left."""
        if requested:
            if requested in self._taken:
                return None
            self._taken[requested] = owner
            return requested
        for address in self._fresh:
            if address not in self._taken:
                self._taken[address] = owner
                return address
        while self._freed:
            address = self._freed.popleft()
            if address not in self._taken:
                self._taken[address] = owner
                return address
        return None

    def free(self, address: str) -> None:
        """Release an address."""
        if self._taken.pop(address, None) is not None and self._pooled(address):
            self._freed.append(address)

    @property
    def used(self) -> int:
        """Count the addresses in use."""
        return len(self._taken)

    @property
    def total(self) -> int:
        """Count the addresses that can be allocated."""
        return sum(high - low + 1 for low, high in self._ranges)

    def _pooled(self, address: str) -> bool:
        """Return whether an address lies in one of the allocation pools."""
        number = int(ipaddress.ip_address(address))
        return any(low <= number <= high for low, high in self._ranges)

    def _walk(self) -> Iterator[str]:
        """Yield the addresses of the allocation pools once."""
        make = ipaddress.IPv4Address if self.cidr.version == 4 else ipaddress.IPv6Address
        for low, high in self._ranges:
            for number in range(low, high + 1):
                yield str(make(number))
