"""The guard: public addresses pass, all others do not, whatever they are dressed up as."""

import ipaddress

import pytest

from enamel.service.access.webhook_targets import Refused, WebhookTargets

INNER = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.192",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "2001:db8::1",
    "fec0::1",
    "feff::1",
    "3fff::1",
    "3fff:fff::1",
    "2606:2800:21f:cb07:0:5efe:a9fe:a9fe",
    "2606:2800:21f:cb07:200:5efe:7f00:1",
    "::ffff:0:7f00:1",
]


@pytest.mark.parametrize("address", INNER)
def test_inner_addresses_do_not_pass(address: str) -> None:
    assert not WebhookTargets().passes(address)


@pytest.mark.parametrize(
    "address",
    [
        "93.184.215.14",
        "8.8.8.8",
        "2606:2800:21f:cb07:6820:80da:af6b:8b2c",
        "2606:2800:21f:cb07:0:5efe:808:808",
    ],
)
def test_public_addresses_pass(address: str) -> None:
    assert WebhookTargets().passes(address)


@pytest.mark.parametrize("address", ["10.20.0.5", "::1", "::ffff:10.20.0.5"])
def test_what_the_configuration_allows_passes(address: str) -> None:
    networks = map(ipaddress.ip_network, ["10.20.0.0/16", "::1/128", "::ffff:10.20.0.0/112"])
    assert WebhookTargets(networks).passes(address)
    assert not WebhookTargets([ipaddress.ip_network("10.21.0.0/16")]).passes(address)


async def test_of_several_addresses_only_those_that_pass_are_connected_to() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["10.0.0.1", "8.8.8.8", "::1"]

    assert await WebhookTargets(resolve=resolve).addresses("example.org", 443) == ["8.8.8.8"]


async def test_a_name_that_leads_inside_is_refused() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.1", "169.254.169.254"]

    guard = WebhookTargets(resolve=resolve)
    with pytest.raises(Refused, match=r"example.org resolves to 127.0.0.1, 169.254.169.254"):
        await guard.addresses("example.org", 443)
    (fault,) = await guard.faults(["https://example.org/hook"])
    assert (fault.pointer, fault.code) == ("/notify/0/url", "refused")


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "localhost"])
async def test_odd_spellings_of_this_machine_are_refused(host: str) -> None:
    with pytest.raises(Refused):
        await WebhookTargets().addresses(host, 80)


async def test_a_name_that_nobody_knows_now_may_be_known_later() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        raise OSError("Name or service not known")

    assert await WebhookTargets(resolve=resolve).faults(["https://later.example/"]) == []
