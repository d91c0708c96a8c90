"""The parser of rules: `tcp/80-443 from 10.0.0.0/8` and its like."""

import ipaddress
import re

from enamel.model import cloud

_RULE = re.compile(r"\s*([a-z0-9-]+)(?:/(\d{1,5})(?:-(\d{1,5}))?)?(?:\s+from\s+(\S.*?))?\s*", re.IGNORECASE)
_WITH_PORTS = frozenset({"tcp", "udp", "sctp", "udplite", "dccp"})
_OF_VERSION_6 = frozenset({"icmpv6", "ipv6-encap", "ipv6-frag", "ipv6-nonxt", "ipv6-opts", "ipv6-route"})
_PROTOCOLS = (
    _WITH_PORTS
    | _OF_VERSION_6
    | {"icmp", "ah", "egp", "esp", "gre", "igmp", "vrrp", "ospf", "any", "ipip", "pgm", "rsvp"}
)
_SAME = {"ipv6-icmp": "icmpv6", "58": "icmpv6", "1": "icmp"}
"""Other names of protocols."""
_EVERYWHERE = frozenset({"0.0.0.0/0", "::/0"})


def rules(text: str) -> tuple[tuple[cloud.Rule, ...], str | None]:
    """Return the rules that a text such as `tcp/80-443 from 10.0.0.0/8` means, and the group it names, if any.

    Without a CIDR there is one rule for each IP version: that of the CIDR is the only one otherwise.

    Raises:
        ValueError: The text is no rule; the message says why.
    """
    match = _RULE.fullmatch(text)
    if not match:
        raise ValueError(f"'{text[:80]}' is not a rule: write proto[/port[-port]] [from cidr or group]")
    protocol, low, high, source = match[1].lower(), match[2], match[3], match[4]
    protocol = _SAME.get(protocol.lstrip("0") if protocol.isdecimal() else protocol, protocol)
    if protocol not in _PROTOCOLS and not (protocol.isdecimal() and int(protocol) <= 255):
        raise ValueError(f"'{protocol}' is not a protocol that rules can name, such as tcp, udp or icmp")
    if low is not None and protocol not in _WITH_PORTS:
        raise ValueError(f"{protocol} has no ports")
    first = int(low) if low is not None else None
    last = int(high) if high is not None else first
    if first is not None and last is not None and not 1 <= first <= last <= 65535:
        raise ValueError(f"'{text[:80]}' has no sensible ports: from 1 to 65535, the smaller first")
    cidr, group = _source(source)
    opened = tuple(
        cloud.Rule(
            # Neutron stores ICMP of version 6 under a name of its own, whatever it is called.
            protocol="icmpv6" if protocol == "icmp" and version == 6 else protocol,
            port_min=first,
            port_max=last,
            # Neutron takes "from everywhere" and the whole range of addresses for the same rule, and refuses the second.
            source=None if cidr in _EVERYWHERE else cidr,
            ip_version=version,
        )
        for version in _versions(protocol, cidr)
    )
    return opened, group


def _versions(protocol: str, cidr: str | None) -> tuple[int, ...]:
    """Return the IP versions that a rule opens. Raises ValueError where there is none."""
    if cidr is None:
        return (6,) if protocol in _OF_VERSION_6 else (4, 6)
    version = ipaddress.ip_network(cidr).version
    if protocol in _OF_VERSION_6 and version == 4:
        raise ValueError(f"{protocol} cannot come from {cidr}, which is of IP version 4")
    return (version,)


def _source(text: str | None) -> tuple[str | None, str | None]:
    """Return the CIDR or the group that a rule's source means."""
    if text is None:
        return None, None
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        if re.fullmatch(r"[0-9.]+(/.*)?", text) or (":" in text and "/" in text):
            raise ValueError(f"'{text[:60]}' is not a CIDR") from None
        return None, text
    return str(network), None
