"""Loopback: the names by which a machine reaches itself."""

import ipaddress
from urllib.parse import urlsplit


def names_this_machine(host: str) -> bool:
    """Tell whether a Host header names this machine."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
