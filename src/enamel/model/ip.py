"""IP addresses and ranges as people and clouds write them."""

import ipaddress
from collections.abc import Iterable


def version(text: str) -> int | None:
    """Return the version of an IP address, 4 or 6; None if a text is none."""
    try:
        return ipaddress.ip_address(text).version
    except ValueError:
        return None


def versions(texts: Iterable[str]) -> frozenset[int]:
    """Return the versions of addresses."""
    return frozenset(filter(None, map(version, texts)))


def same(text: str, other: str) -> bool:
    """Tell whether two texts are the same address: IPv6 addresses have several spellings."""
    if text == other:
        return True
    if version(text) is None or version(other) is None:
        return False
    return ipaddress.ip_address(text) == ipaddress.ip_address(other)


def network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """Return the range of addresses of a CIDR; None if a text is none."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def contains(cidr: str, address: str) -> bool:
    """Tell whether an address is in a range."""
    within = network(cidr)
    return within is not None and version(address) is not None and ipaddress.ip_address(address) in within
