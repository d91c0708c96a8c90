"""The eras: what an OpenStack cloud of some year understands, as one table.

The sandbox's services are written as of today. An era takes away from them what that year's release did not have:
versions of APIs, microversions, extensions with their attributes and paths. What is left answers as it did then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from enamel.sandbox import kernel


class Extension(Struct, frozen=True, kw_only=True):
    """What an extension of Neutron brings."""

    attributes: frozenset[str] = frozenset()
    """Attributes of its resources, in bodies, answers and filters."""
    paths: tuple[str, ...] = ()
    """Parts of the paths that it adds."""


EXTENSIONS: Mapping[str, Extension] = {
    "auto-allocated-topology": Extension(
        attributes=frozenset({"is_default"}), paths=("/auto-allocated-topology",)
    ),
    "dns-integration": Extension(attributes=frozenset({"dns_name", "dns_domain", "dns_assignment"})),
    "fip-port-details": Extension(attributes=frozenset({"port_details"})),
    "net-mtu": Extension(attributes=frozenset({"mtu"})),
    "network-ip-availability": Extension(paths=("/network-ip-availabilities",)),
    "qinq": Extension(attributes=frozenset({"qinq"})),
    "vlan-transparent": Extension(attributes=frozenset({"vlan_transparent"})),
    "project-id": Extension(attributes=frozenset({"project_id"})),
    "quota_details": Extension(paths=("/details",)),
    "security-groups-normalized-cidr": Extension(attributes=frozenset({"normalized_cidr"})),
    "security-groups-rules-belongs-to-default-sg": Extension(attributes=frozenset({"belongs_to_default_sg"})),
    "standard-attr-description": Extension(attributes=frozenset({"description"})),
    "standard-attr-revisions": Extension(attributes=frozenset({"revision_number"})),
    "standard-attr-tag": Extension(attributes=frozenset({"tags"}), paths=("/tags",)),
    "standard-attr-timestamp": Extension(attributes=frozenset({"created_at", "updated_at"})),
    "stateful-security-group": Extension(attributes=frozenset({"stateful"})),
}
"""The extensions that change the API; all others only announce a feature."""

OWN = frozenset({("security_group", "description")})
"""Attributes that a kind of resource has had from the beginning, even where an extension added them to other kinds."""


class Era(Struct, frozen=True, kw_only=True):
    """What the clouds of some year are like."""

    name: str
    """The year."""
    release: str
    """The release that stands for it."""
    compute: tuple[kernel.Version, kernel.Version] | None
    """The lowest and highest microversion of Nova; None where it knew none."""
    volume: tuple[kernel.Version, kernel.Version] | None
    """The same of Cinder."""
    key_manager: tuple[kernel.Version, kernel.Version] | None = None
    """The same of Barbican."""
    identity: tuple[str, ...]
    """Keystone's version documents, newest first."""
    image: tuple[str, ...]
    """Glance's, newest first."""
    catalogue: tuple[tuple[str, str, str], ...]
    """Type, name and path of each service; `{project}` stands for the project's id."""
    versions: Mapping[str, tuple[str, ...]]
    """What paths of each service begin with."""
    without: frozenset[str] = frozenset()
    """Extensions of Neutron that did not exist yet."""
    gone: Mapping[str, tuple[str, ...]] = {}
    """By service: parts of paths that did not exist yet."""
    guards_ports: bool = False
    """Whether Neutron refuses to delete the ports of servers (`device_owner` of Nova) for their owners."""
    extensions: tuple[str, ...] = ()
    """Nova's extensions, as far as clients ask for them."""
    untold: frozenset[str] = frozenset()
    """Attributes of servers that replies did not have yet."""
    unheard: frozenset[str] = frozenset()
    """Fields that Nova ignored in the request for a server."""

    @property
    def nova_network(self) -> bool:
        """Return whether Nova itself is the network service."""
        return "network" not in self.versions

    @property
    def names_in_v2(self) -> bool:
        """Return whether Keystone has only the API without domains."""
        return self.versions["identity"] == ("v2.0",)

    @property
    def has_credentials(self) -> bool:
        """Return whether Keystone has application credentials."""
        return "/application_credentials" not in self.gone.get("identity", ()) and not self.names_in_v2

    @property
    def lists_images_by_id(self) -> bool:
        """Return whether Glance accepts several ids in one filter."""
        return "v2.4" in self.image

    @property
    def filters_strictly(self) -> bool:
        """Return whether Neutron refuses filters that it does not know."""
        return "filter-validation" not in self.without

    def offers(self, service: str) -> bool:
        """Return whether the cloud has a service of that name."""
        return service in self.versions or service == "sandbox"

    def knows(self, kind: str, attribute: str) -> bool:
        """Return whether a kind of Neutron's resources has an attribute."""
        return attribute not in self._attributes or (kind, attribute) in OWN

    def trimmed(self, service: str, body: Any) -> Any:
        """Return a service's reply as the release of that year showed it."""
        if service != "network" or not self._attributes or not isinstance(body, dict):
            return body
        return {word: self._shown(word.removesuffix("s"), value) for word, value in body.items()}

    def _shown(self, kind: str, value: Any) -> Any:
        if isinstance(value, list):
            return [self._shown(kind, item) for item in value]
        if not isinstance(value, dict):
            return value
        return {name: item for name, item in value.items() if self.knows(kind, name)}

    def inside(self, service: str, path: str) -> str | None:
        """Return the path in today's route tables; None where the path did not exist."""
        if service not in self.versions:
            return path
        first = path.split("/")[1]
        if first not in ("", "versions", *self.versions[service]):
            return None
        if any(word in path for word in self.gone.get(service, ())):
            return None
        if service == "network" and any(
            word in path for alias in self.without & EXTENSIONS.keys() for word in EXTENSIONS[alias].paths
        ):
            return None
        if service == "compute" and first:
            inside = self._in_project(path)
            # Nova's proxies for Neutron are left out on clouds that have Neutron.
            return None if inside and not self.nova_network and _NOVA_NETWORK.match(inside) else inside
        if service == "volume" and first == "v2":
            return "/v3" + path[3:]
        return path

    def microversions(self, service: str, path: str) -> tuple[kernel.Version, kernel.Version] | None:
        """Return the microversions that a service has at a path."""
        first = path.split("/")[1]
        if service == "compute":
            return self.compute if first != "v2" else None
        if service == "volume":
            return self.volume if first in ("", "v3") else None
        if service == "key-manager":
            return self.key_manager
        return None

    def _in_project(self, path: str) -> str | None:
        named = _IN_PROJECT.match(path)
        if named is not None:
            return "/v2.1" + path[named.end() :]
        # Before 2.18, Nova wanted the project in the path of everything but the version's own document.
        needed = self.compute is None or self.compute[1] < (2, 18)
        if needed and path.strip("/").count("/"):
            return None
        return "/v2.1" + path[len("/v2") :] if path.startswith("/v2/") or path == "/v2" else path

    @property
    def _attributes(self) -> frozenset[str]:
        return _ATTRIBUTES[self.without]


_NOVA_NETWORK = re.compile(r"/v2\.1/os-(floating-ip|security-group)")
_IN_PROJECT = re.compile(r"/v2(\.1)?/[0-9a-f]{32}(?=/|$)")

_SINCE_ZED = frozenset(
    {
        "floating-ip-router-writable",
        "qinq",
        "vlan-transparent",
        "security-groups-rules-belongs-to-default-sg",
        "subnet-external-network",
    }
)
_SINCE_QUEENS = _SINCE_ZED | {
    "fip-port-details",
    "filter-validation",
    "port-security-groups-filtering",
    "security-groups-normalized-cidr",
    "stateful-security-group",
}
_SINCE_LIBERTY = _SINCE_QUEENS | {
    "address-scope",
    "auto-allocated-topology",
    "availability_zone",
    "default-subnetpools",
    "ip-substring-filtering",
    "network-ip-availability",
    "network_availability_zone",
    "pagination",
    "project-id",
    "quota_details",
    "router_availability_zone",
    "sorting",
    "standard-attr-description",
    "standard-attr-revisions",
    "standard-attr-tag",
    "standard-attr-timestamp",
}
_ATTRIBUTES = {
    without: frozenset(name for alias in without & EXTENSIONS.keys() for name in EXTENSIONS[alias].attributes)
    for without in (frozenset[str](), _SINCE_ZED, _SINCE_QUEENS, _SINCE_LIBERTY)
}

_NOVA_V21 = (
    "os-availability-zone",
    "os-block-device-mapping-v2-boot",
    "os-extended-volumes",
    "os-keypairs",
    "os-multiple-create",
    "os-quota-sets",
    "os-server-groups",
)
_CREDENTIALS = {"identity": ("/application_credentials",)}


def _services(compute: str, *volumes: tuple[str, str], identity: str) -> tuple[tuple[str, str, str], ...]:
    """Return a catalogue with all services."""
    return (
        ("network", "neutron", "/network"),
        ("key-manager", "barbican", "/key-manager"),
        *((kind, "cinder", path) for kind, path in volumes),
        ("image", "glance", "/image"),
        ("identity", "keystone", identity),
        ("compute", "nova", compute),
    )


TODAY = Era(
    name="2026",
    release="2026.2",
    compute=((2, 1), (2, 104)),
    volume=((3, 0), (3, 71)),
    key_manager=((1, 0), (1, 1)),
    guards_ports=True,
    identity=("v3.14",),
    image=tuple(f"v2.{minor}" for minor in (17, 15, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)),
    catalogue=_services("/compute/v2.1", ("block-storage", "/volume/v3"), identity="/identity/v3"),
    versions={
        "identity": ("v3",),
        "compute": ("v2.1",),
        "network": ("v2.0",),
        "image": ("v2",),
        "volume": ("v3",),
        "key-manager": ("v1",),
    },
    extensions=_NOVA_V21,
)

ERAS: Mapping[str, Era] = {
    one.name: one
    for one in (
        Era(
            name="2012",
            release="Folsom",
            compute=None,
            volume=None,
            identity=("v2.0",),
            image=("v1.1", "v1.0"),
            catalogue=(
                ("volume", "cinder", "/volume/v1/{project}"),
                ("image", "glance", "/image"),
                ("identity", "keystone", "/identity/v2.0"),
                ("compute", "nova", "/compute/v2/{project}"),
            ),
            versions={
                "identity": ("v2.0",),
                "compute": ("v2",),
                "image": ("v1",),
                "volume": ("v1",),
            },
            gone={
                "compute": (
                    "/os-server-groups",
                    "/os-instance-actions",
                    "/os-interface",
                    "/tags",
                    "/remote-consoles",
                )
            },
            extensions=(
                "os-availability-zone",
                "os-floating-ip-pools",
                "os-floating-ips",
                "os-keypairs",
                "os-quota-sets",
                "os-security-groups",
                "os-used-limits",
                "os-volumes",
            ),
            untold=frozenset(
                {
                    "OS-EXT-AZ:availability_zone",
                    "OS-EXT-IPS:type",
                    "OS-EXT-IPS-MAC:mac_addr",
                    "OS-SRV-USG:launched_at",
                    "OS-SRV-USG:terminated_at",
                    "os-extended-volumes:volumes_attached",
                }
            ),
            unheard=frozenset({"block_device_mapping_v2"}),
        ),
        Era(
            name="2015",
            release="Liberty",
            compute=((2, 1), (2, 12)),
            volume=None,
            identity=("v3.4", "v2.0"),
            image=("v2.3", "v2.2", "v2.1", "v2.0", "v1.1", "v1.0"),
            catalogue=_services(
                "/compute/v2.1/{project}",
                ("volume", "/volume/v1/{project}"),
                ("volumev2", "/volume/v2/{project}"),
                identity="/identity/v2.0",
            ),
            versions={
                "identity": ("v2.0", "v3"),
                "compute": ("v2", "v2.1"),
                "network": ("v2.0",),
                "image": ("v1", "v2"),
                "volume": ("v1", "v2"),
                "key-manager": ("v1",),
            },
            without=_SINCE_LIBERTY,
            gone=_CREDENTIALS,
            extensions=_NOVA_V21,
        ),
        Era(
            name="2018",
            release="Queens",
            compute=((2, 1), (2, 60)),
            volume=((3, 0), (3, 50)),
            identity=("v3.10",),
            image=tuple(f"v2.{minor}" for minor in (6, 5, 4, 3, 2, 1, 0)),
            catalogue=_services(
                "/compute/v2.1",
                ("volumev2", "/volume/v2/{project}"),
                ("volumev3", "/volume/v3/{project}"),
                identity="/identity/v3",
            ),
            versions={**TODAY.versions, "compute": ("v2", "v2.1"), "volume": ("v2", "v3")},
            without=_SINCE_QUEENS,
            extensions=_NOVA_V21,
        ),
        Era(
            name="2022",
            release="Zed",
            compute=((2, 1), (2, 93)),
            volume=((3, 0), (3, 70)),
            key_manager=((1, 0), (1, 1)),
            identity=("v3.14",),
            image=tuple(f"v2.{minor}" for minor in (15, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)),
            catalogue=_services(
                "/compute/v2.1", ("volumev3", "/volume/v3/{project}"), identity="/identity/v3"
            ),
            versions={**TODAY.versions, "compute": ("v2", "v2.1")},
            without=_SINCE_ZED,
            extensions=_NOVA_V21,
        ),
        TODAY,
    )
}
"""The eras by their names, oldest first."""
