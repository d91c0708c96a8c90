"""Rules and keys are read as people write them, and refused with a sentence that helps."""

import pytest

from enamel.commands.launch import public_key, rule_parser
from enamel.model.cloud import Rule
from tests.unit.commands import north

SSH = Rule(protocol="tcp", port_min=22, port_max=22)
SSH_6 = Rule(protocol="tcp", port_min=22, port_max=22, ip_version=6)
PING, PING_6 = Rule(protocol="icmp"), Rule(protocol="icmpv6", ip_version=6)
RULES = {
    "tcp/22": (SSH, SSH_6),
    "tcp/80-443 from 10.0.0.0/8": (Rule(protocol="tcp", port_min=80, port_max=443, source="10.0.0.0/8"),),
    "icmp": (PING, PING_6),
    "icmp from 10.0.0.0/8": (Rule(protocol="icmp", source="10.0.0.0/8"),),
    "icmp from 2001:db8::/32": (Rule(protocol="icmpv6", source="2001:db8::/32", ip_version=6),),
    "1": (PING, PING_6),
    "  UDP/53   from  192.0.2.1 ": (Rule(protocol="udp", port_min=53, port_max=53, source="192.0.2.1/32"),),
    "tcp": (Rule(protocol="tcp"), Rule(protocol="tcp", ip_version=6)),
    "any from 10.1.2.3/16": (Rule(protocol="any", source="10.1.0.0/16"),),
    "any": (Rule(protocol="any"), Rule(protocol="any", ip_version=6)),
    "tcp/22 from 2001:db8::/32": (
        Rule(protocol="tcp", port_min=22, port_max=22, source="2001:db8::/32", ip_version=6),
    ),
    "tcp/22 from 2001:DB8:0::1": (
        Rule(protocol="tcp", port_min=22, port_max=22, source="2001:db8::1/128", ip_version=6),
    ),
    "tcp/22 from 0.0.0.0/0": (SSH,),
    "tcp/22 from ::/0": (SSH_6,),
    "icmpv6": (PING_6,),
    "ipv6-icmp": (PING_6,),
    "IPv6-ICMP from fd00::/8": (Rule(protocol="icmpv6", source="fd00::/8", ip_version=6),),
    "58": (PING_6,),
    "ipv6-route": (Rule(protocol="ipv6-route", ip_version=6),),
    "112": (Rule(protocol="112"), Rule(protocol="112", ip_version=6)),
}


@pytest.mark.parametrize(("text", "rules"), RULES.items(), ids=RULES)
def test_a_rule_is_read(text: str, rules: tuple[Rule, ...]) -> None:
    assert rule_parser.rules(text) == (rules, None)


@pytest.mark.parametrize("group", ["web", "my servers", "aa:bb", north.WEB])
def test_a_rule_may_name_a_group_whose_members_have_both_versions(group: str) -> None:
    rules, named = rule_parser.rules(f"tcp/5432 from {group}")
    assert (named, [rule.ip_version for rule in rules]) == (group, [4, 6])


NO_RULES = {
    "": "not a rule",
    "tcp/": "not a rule",
    "tcp/22-": "not a rule",
    "tcp/22,80": "not a rule",
    "tcp 22": "not a rule",
    "tcp/22 from ": "not a rule",
    "22/tcp": "has no ports|not a rule",
    "tpc/22": "not a protocol",
    "256": "not a protocol",
    "icmp/8": "has no ports",
    "tcp/0": "sensible ports",
    "tcp/70000": "sensible ports",
    "tcp/443-80": "sensible ports",
    "tcp/22 from 10.0.0.0/33": "not a CIDR",
    "tcp/22 from 10.0.0.300": "not a CIDR",
    "tcp/22 from 2001:db8::/129": "not a CIDR",
    "icmpv6 from 10.0.0.0/8": "IP version 4",
    "ipv6-icmp from 10.0.0.0/8": "IP version 4",
    "58 from 10.0.0.0/8": "IP version 4",
    "ipv6-frag from 0.0.0.0/0": "IP version 4",
    "ipv6-icmp/8": "has no ports",
}


@pytest.mark.parametrize(("text", "why"), NO_RULES.items(), ids=NO_RULES)
def test_what_is_no_rule_is_told_why(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        rule_parser.rules(text)


@pytest.mark.parametrize("text", [north.KEY, f"{north.KEY} me@here", f"{north.KEY} two words\n"])
def test_a_key_is_a_key(text: str) -> None:
    assert public_key.fault(text) is None


NO_KEYS = {
    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl": "private key",
    "hello": "not an OpenSSH public key",
    "ssh-ed448 AAAA": "not an OpenSSH public key",
    f"{north.KEY}\n{north.KEY}": "not an OpenSSH public key",
    "ssh-ed25519 AAA$": "not base64",
    north.KEY[:40]: "cut short|not base64",
    north.KEY.replace("ssh-ed25519", "ssh-rsa", 1): "does not fit its content",
    "ssh-ed25519 AAAA": "cut short",
}


@pytest.mark.parametrize(("text", "why"), NO_KEYS.items(), ids=list(NO_KEYS.values()))
def test_what_is_no_key_is_told_why(text: str, why: str) -> None:
    told = public_key.fault(text)
    assert told is not None
    assert any(word in told for word in why.split("|"))
