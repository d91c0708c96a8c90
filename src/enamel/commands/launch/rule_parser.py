"""The parser of rules: `tcp/80-443 from 10.0.0.0/8` and its like."""

import ipaddress
import re

from enamel.model import cloud

_RULE = re.compile(r"\s*([a-z0-9-]+)(?:/(\d{1,5})(?:-(\d{1,5}))?)?(?:\s+from\s+(\S.*?))?\s*", re.IGNORECASE)
_WITH_PORTS = frozenset({"tcp", "udp", "sctp", "udplite", "dccp"})
_PROTOCOLS = _WITH_PORTS | {
    "icmp",
    "icmpv6",
    "ah",
    "esp",
    "gre",
    "igmp",
    "vrrp",
    "ospf",
    "any",
    "ipip",
    "pgm",
}
_EVERYWHERE = frozenset({"0.0.0.0/0", "::/0"})


def rule(text: str) -> tuple[cloud.Rule, str | None]:
    """Return the rule that a text such as `tcp/80-443 from 10.0.0.0/8` means, and the group it names, if any.

    Raises:
        ValueError: The text is no rule; the message says why.
    """
    match = _RULE.fullmatch(text)
    if not match:
        raise ValueError(f"'{text[:80]}' is not a rule: write proto[/port[-port]] [from cidr or group]")
    protocol, low, high, source = match[1].lower(), match[2], match[3], match[4]
    if protocol not in _PROTOCOLS and not (protocol.isdecimal() and int(protocol) <= 255):
        raise ValueError(f"'{protocol}' is not a protocol that rules can name, such as tcp, udp or icmp")
    if low is not None and protocol not in _WITH_PORTS:
        raise ValueError(f"{protocol} has no ports")
    first = int(low) if low is not None else None
    last = int(high) if high is not None else first
    if first is not None and last is not None and not 1 <= first <= last <= 65535:
        raise ValueError(f"'{text[:80]}' has no sensible ports: from 1 to 65535, the smaller first")
    cidr, group, version = _source(source)
    if protocol == "icmpv6":
        if cidr is not None and version == 4:
            raise ValueError(f"icmpv6 cannot come from {cidr}, which is of IP version 4")
        version = 6
    # Neutron takes "from everywhere" and the whole range of addresses for the same rule, and refuses the second.
    cidr = None if cidr in _EVERYWHERE else cidr
    return (
        cloud.Rule(protocol=protocol, port_min=first, port_max=last, source=cidr, ip_version=version),
        group,
    )


def _source(text: str | None) -> tuple[str | None, str | None, int]:
    """Return the CIDR or the group that a rule's source means, and the version of IP."""
    if text is None:
        return None, None, 4
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        if re.fullmatch(r"[0-9.]+(/.*)?", text) or (":" in text and "/" in text):
            raise ValueError(f"'{text[:60]}' is not a CIDR") from None
        return None, text, 4
    return str(network), None, network.version


def is_address(text: str) -> bool:
    """Tell whether a text is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
