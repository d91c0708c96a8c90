"""The roles that clouds.yaml gives to networks, with the meaning that they have for openstacksdk."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from enamel.model import cloud


class NetworkRoles(Struct, frozen=True, kw_only=True):
    """What an entry of clouds.yaml says of its networks, each by name or id."""

    public_versions: Mapping[str, tuple[int, ...]] = {}
    """IP versions whose addresses are public, of each network that is listed (`routes_externally` and its like)."""
    nat_source: str | None = None
    nat_destination: str | None = None
    default_interface: str | None = None
    floating_ips: bool = True
    """False if `floating_ip_source` is None: servers get no floating IPs there."""

    def on(self, network: cloud.Network) -> cloud.Network:
        """Return a network with its roles."""
        names = (network.id, network.name)
        versions = next((self.public_versions[name] for name in names if name in self.public_versions), None)
        if versions is None and not {self.nat_source, self.nat_destination, self.default_interface} & {
            *names
        }:
            return network
        return msgspec.structs.replace(
            network,
            public_versions=versions,
            nat_source=self.nat_source in names,
            nat_destination=self.nat_destination in names,
            default_interface=self.default_interface in names,
        )


def read(options: Mapping[str, Any]) -> NetworkRoles:
    """Return the roles in the options of an entry, as openstacksdk's loader has normalised them."""
    networks = options.get("networks") or ()
    # In YAML, `None` is a text; openstacksdk understands both.
    source = options.get("floating_ip_source", "neutron")
    return NetworkRoles(
        public_versions={network["name"]: _versions(network) for network in networks},
        nat_source=_holder(networks, "nat_source"),
        nat_destination=_holder(networks, "nat_destination"),
        default_interface=_holder(networks, "default_interface"),
        floating_ips=bool(source) and str(source).lower() != "none",
    )


def _versions(network: Mapping[str, Any]) -> tuple[int, ...]:
    whole = network.get("routes_externally")
    return tuple(version for version in (4, 6) if network.get(f"routes_ipv{version}_externally", whole))


def _holder(networks: Any, role: str) -> str | None:
    return next((str(network["name"]) for network in networks if network.get(role)), None)
