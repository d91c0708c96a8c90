"""The addresses of one subnet: which are taken, by whom, and which comes next.

Addresses come from an iterator over the allocation pools, so taking one costs the same in an empty and in a
full subnet; what was given back is used again only when the iterator has run dry, so a freed address rests.
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
        """Start with nothing taken; `ranges` are the first and last addresses of the allocation pools."""
        self.cidr: Subnet = ipaddress.ip_network(cidr)
        self._ranges = [
            (int(ipaddress.ip_address(low)), int(ipaddress.ip_address(high))) for low, high in ranges
        ]
        self._fresh = self._walk()
        self._freed: deque[str] = deque()
        self._taken: dict[str, str] = {}

    def holds(self, address: str) -> bool:
        """Tell whether an address belongs to the subnet."""
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        return found.version == self.cidr.version and found in self.cidr

    def owner(self, address: str) -> str | None:
        """Return who has an address, or None."""
        return self._taken.get(address)

    def take(self, owner: str, *, wanted: str = "") -> str | None:
        """Take the wanted or the next free address; None when it is taken or none is left."""
        if wanted:
            if wanted in self._taken:
                return None
            self._taken[wanted] = owner
            return wanted
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
        """Give an address back."""
        if self._taken.pop(address, None) is not None and self._pooled(address):
            self._freed.append(address)

    @property
    def used(self) -> int:
        """Count the addresses that are taken."""
        return len(self._taken)

    @property
    def total(self) -> int:
        """Count the addresses that can be handed out."""
        return sum(high - low + 1 for low, high in self._ranges)

    def _pooled(self, address: str) -> bool:
        """Tell whether an address lies in one of the allocation pools."""
        number = int(ipaddress.ip_address(address))
        return any(low <= number <= high for low, high in self._ranges)

    def _walk(self) -> Iterator[str]:
        """Yield the addresses of the allocation pools once."""
        make = ipaddress.IPv4Address if self.cidr.version == 4 else ipaddress.IPv6Address
        for low, high in self._ranges:
            for number in range(low, high + 1):
                yield str(make(number))
