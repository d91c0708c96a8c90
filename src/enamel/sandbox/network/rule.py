"""The rules of security groups, checked with Neutron's wording."""

from __future__ import annotations

import ipaddress
from typing import Any

from enamel.sandbox import http, kernel, table
from enamel.sandbox.network import attribute, state
from enamel.sandbox.network import group as network_group
from enamel.sandbox.network import listing as network_listing

PROTOCOLS = (
    "any",
    "ah",
    "dccp",
    "egp",
    "esp",
    "gre",
    "hopopt",
    "icmp",
    "igmp",
    "ip",
    "ipip",
    "ipv6-encap",
    "ipv6-frag",
    "ipv6-icmp",
    "icmpv6",
    "ipv6-nonxt",
    "ipv6-opts",
    "ipv6-route",
    "ospf",
    "pgm",
    "rsvp",
    "sctp",
    "tcp",
    "udp",
    "udplite",
    "vrrp",
)
OF_VERSION_6 = frozenset(name for name in PROTOCOLS if name.startswith("ipv6-"))
"""Protocols of IPv6 alone."""
ICMP = frozenset({"icmp", "icmpv6", "ipv6-icmp", "1", "58"})
WITH_PORTS = frozenset({"tcp", "udp", "sctp", "dccp", "udplite", "6", "17", "132", "33", "136"})


def _whatever(_: Any) -> None:
    """Accept everything: rules are checked as a whole, with wording of their own."""


RULE = attribute.Kind(
    name="security_group_rule",
    collection="security_group_rules",
    error="SecurityGroupRuleNotFound",
    missing="Security group rule {id} does not exist",
    attributes={
        **attribute.COMMON,
        "description": attribute.Attribute(attribute.text_or_none, put=False),
        "security_group_id": attribute.Attribute(attribute.identifier, required=True, put=False),
        "direction": attribute.Attribute(attribute.one_of("ingress", "egress"), required=True, put=False),
        "ethertype": attribute.Attribute(_whatever, put=False),
        "protocol": attribute.Attribute(_whatever, put=False),
        "port_range_min": attribute.Attribute(_whatever, put=False),
        "port_range_max": attribute.Attribute(_whatever, put=False),
        "remote_ip_prefix": attribute.Attribute(_whatever, put=False),
        "remote_group_id": attribute.Attribute(attribute.identifier_or_none, put=False),
        "remote_address_group_id": attribute.Attribute(attribute.identifier_or_none, put=False),
        "normalized_cidr": attribute.READ_ONLY,
        "belongs_to_default_sg": attribute.READ_ONLY,
    },
)

SAME = ("direction", "ethertype", "protocol", "port_range_min", "port_range_max", "remote_group_id")
"""The fields in which duplicate rules of a group agree, beside the addresses."""


def listing(request: http.Request) -> kernel.Reply:
    """List rules."""
    tables = state.of(request)
    network_group.default(tables, request.caller.project_id)
    rows = tables.rules if request.caller.admin else tables.rules.of(request.caller.project_id)
    return network_listing.answer(RULE, request, rows)


def create(request: http.Request) -> kernel.Reply:
    """Create rules, all or none."""
    tables = state.of(request)
    wishes, bulk = attribute.created(RULE, request)
    groups = []
    for wish in wishes:
        groups.append(network_group.find(tables, request.caller, wish["security_group_id"]))
        _judge(tables, request, wish)
    fresh: set[tuple[Any, ...]] = set()
    for wish, group in zip(wishes, groups, strict=True):
        _refuse_twin(tables, group, wish, fresh=fresh)
    tables.spend(groups[0]["project_id"], security_group_rule=len(wishes))
    rules = [network_group.add_rule(tables, group, wish) for wish, group in zip(wishes, groups, strict=True)]
    for group_id in {group["id"] for group in groups}:
        _touch(tables, group_id)
    return kernel.Reply(
        status=201, body={"security_group_rules": rules} if bulk else {"security_group_rule": rules[0]}
    )


def show(request: http.Request) -> kernel.Reply:
    """Show a rule."""
    row = _named(request)
    return kernel.Reply(body={"security_group_rule": network_listing.view(RULE, request, row)})


def delete(request: http.Request) -> kernel.Reply:
    """Delete a rule."""
    tables = state.of(request)
    row = _named(request)
    tables.rules.drop(row["id"])
    tables.rules_by_group.drop(row["security_group_id"], row["id"])
    tables.changed(tables.security_groups[row["security_group_id"]])
    _touch(tables, row["security_group_id"])
    return kernel.Reply(status=204)


def _named(request: http.Request) -> table.Row:
    """Return the rule a request names, or refuse."""
    row = state.of(request).rules.get(request.params["id"])
    if row is None or not request.caller.sees(row["project_id"]):
        raise RULE.unknown(request.params["id"])
    return row


def _judge(tables: state.Tables, request: http.Request, wish: table.Row) -> None:
    """Refuse an inconsistent rule, in Neutron's words."""
    ethertype = wish.setdefault("ethertype", "IPv4")
    if ethertype not in ("IPv4", "IPv6"):
        raise _refusal(
            "InvalidEtherType",
            f"Security group rule for ethertype '{ethertype}' not supported. Allowed values are ['IPv4', 'IPv6'].",
            prefix="SecurityGroupRule",
        )
    _judge_protocol(wish)
    if (
        sum(
            bool(wish.get(name))
            for name in ("remote_ip_prefix", "remote_group_id", "remote_address_group_id")
        )
        > 1
    ):
        raise _refusal(
            "MultipleRemoteEntites",
            "Only one of remote_ip_prefix or remote_group_id or remote_address_group_id may be provided.",
        )
    prefix = wish["remote_ip_prefix"] = (
        None if wish.get("remote_ip_prefix") == "" else wish.get("remote_ip_prefix")
    )
    if prefix is not None:
        try:
            if not isinstance(prefix, str):
                raise ValueError
            version = ipaddress.ip_network(prefix, strict=False).version
        except ValueError:
            raise attribute.bad(
                f"Invalid input for remote_ip_prefix. Reason: '{prefix}' is not a valid IP subnet."
            ) from None
        if ethertype != f"IPv{version}":
            raise _refusal(
                "ParameterConflict",
                f"Conflicting value ethertype {ethertype} for CIDR {prefix}",
                prefix="SecurityGroupRule",
            )
    if wish.get("remote_group_id"):
        network_group.find(tables, request.caller, wish["remote_group_id"])


def _judge_protocol(wish: table.Row) -> None:
    """Refuse protocols and ports that do not exist or do not go together."""
    protocol = wish["protocol"] = _lower(wish.get("protocol"))
    if protocol in ("any", "0"):
        protocol = wish["protocol"] = None
    if protocol == "icmpv6" or (wish["ethertype"] == "IPv6" and protocol in ICMP):
        protocol = wish["protocol"] = "ipv6-icmp"
    if protocol in OF_VERSION_6 and wish["ethertype"] == "IPv4":
        raise _refusal("EthertypeConflictWithProtocol", f"Invalid ethertype IPv4 for protocol {protocol}.")
    numbered = protocol is not None and protocol.isdecimal() and int(protocol) <= 255
    if protocol is not None and not numbered and protocol not in PROTOCOLS:
        raise _refusal(
            "InvalidProtocol",
            f"Security group rule protocol {protocol} not supported. Only protocol values (None,"
            f" {', '.join(repr(name) for name in PROTOCOLS)}) and integer representations [0 to 255] are supported.",
            prefix="SecurityGroupRule",
        )
    low, high = (_port(wish, name) for name in ("port_range_min", "port_range_max"))
    if low is None and high is None:
        return
    if protocol is None:
        raise _refusal(
            "ProtocolRequiredWithPorts",
            "Must also specify protocol if port range is given.",
            prefix="SecurityGroup",
        )
    if protocol in WITH_PORTS and (low is None or high is None or low > high):
        raise _refusal("InvalidPortRange", "For TCP/UDP protocols, port_range_min must be <= port_range_max")
    if protocol in ICMP:
        for name, value in (("type", low), ("code", high)):
            if value is not None and value > 255:
                raise _refusal(
                    "InvalidIcmpValue", f"Invalid value for ICMP {name} ({value}). It must be 0 to 255."
                )


def _lower(value: Any) -> str | None:
    """Return a protocol as Neutron compares it."""
    return None if value is None or value == "" else str(value).lower()


def _port(wish: table.Row, name: str) -> int | None:
    """Return a port of a request as a number, or refuse."""
    value = wish.get(name)
    if value is None or value == "":
        wish[name] = None
        return None
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = -1
    if not 0 <= number <= 65535 or isinstance(value, bool):
        raise _refusal("InvalidPortValue", f"Invalid value for port {value}")
    wish[name] = number
    return number


def _refusal(kind: str, message: str, *, prefix: str = "SecurityGroup") -> kernel.Refusal:
    """Refuse a rule."""
    return kernel.Refusal(400, message, kind=prefix + kind)


def _refuse_twin(
    tables: state.Tables, group: table.Row, wish: table.Row, *, fresh: set[tuple[Any, ...]]
) -> None:
    """Refuse a rule that the group, or the same request, already has."""
    key = _sameness(wish)
    for rule_id in tables.rules_by_group.of(group["id"]):
        if _sameness(tables.rules[rule_id]) == key:
            raise kernel.Refusal(
                409,
                f"Security group rule already exists. Rule id is {rule_id}.",
                kind="SecurityGroupRuleExists",
            )
    if (group["id"], *key) in fresh:
        raise kernel.Refusal(
            400,
            f"Duplicate Security Group Rule in POST: {wish}.",
            kind="DuplicateSecurityGroupRuleInPost",
        )
    fresh.add((group["id"], *key))


def _sameness(rule: table.Row) -> tuple[Any, ...]:
    """Return the key by which duplicate rules are recognised; 0.0.0.0/0 is the same as no prefix."""
    prefix = rule.get("remote_ip_prefix")
    anywhere = prefix in (None, "", "0.0.0.0/0", "::/0")
    return (
        *(rule.get(name) for name in SAME),
        None if anywhere else str(ipaddress.ip_network(str(prefix), strict=False)),
    )


def _touch(tables: state.Tables, group_id: str) -> None:
    """Report that the reachability of the servers in a group may have changed."""
    for port_id in tables.ports_by_group.of(group_id):
        tables.touch_port(tables.ports[port_id])
