"""The networks of a new sandbox: `public` with addresses for everybody, and `private` with a router for `demo`."""

from __future__ import annotations

from enamel.sandbox import state, table
from enamel.sandbox.network import network, plug
from enamel.sandbox.network import router as network_router
from enamel.sandbox.network import subnet as network_subnet


def build(cloud: state.Cloud) -> plug.Networks:
    """Build the network service of a new cloud."""
    tables = plug.Networks(cloud)
    admin = cloud.identity.project_named("admin").id
    public = _public(tables, admin, block=cloud.settings.block)
    _pool(tables, admin)
    _private(tables, cloud.identity.project_named("demo").id, public)
    return tables


def _public(tables: plug.Networks, project_id: str, *, block: int) -> table.Row:
    """Create the external network. Its addresses are loopback addresses, so that guests can listen on floating IPs."""
    wish = {"name": "public", "router:external": True, "is_default": True}
    public = network.make(tables, project_id=project_id, wish=wish)
    for name, cidr in (
        ("public-subnet-big", f"127.{block}.128.0/17"),
        ("public-subnet", f"127.{block}.0.0/24"),
    ):
        wish = {"network_id": public["id"], "name": name, "cidr": cidr, "ip_version": 4, "enable_dhcp": False}
        network_subnet.make(tables, project_id=project_id, wish=wish)
    return public


def _pool(tables: plug.Networks, project_id: str) -> None:
    """Create the default subnet pool, from which auto-allocated topologies get their subnets."""
    tables.subnetpools.add(
        {
            "id": tables.cloud.new_id(),
            "name": "shared-pool",
            "project_id": project_id,
            "default_prefixlen": "26",
            "min_prefixlen": "8",
            "max_prefixlen": "32",
            "is_default": True,
            "shared": True,
            "prefixes": ["10.96.0.0/12"],
            "ip_version": 4,
            "default_quota": None,
            "address_scope_id": None,
            "description": "",
            **tables.born(),
            "tenant_id": project_id,
        }
    )


def _private(tables: plug.Networks, project_id: str, public: table.Row) -> None:
    """Create a project's own network, with a router to the external one."""
    private = network.make(tables, project_id=project_id, wish={"name": "private"})
    wish = {
        "network_id": private["id"],
        "name": "private-subnet",
        "cidr": "10.0.0.0/20",
        "ip_version": 4,
        "dns_nameservers": ["192.0.2.53"],
    }
    subnet = network_subnet.make(tables, project_id=project_id, wish=wish)
    gateway = {"name": "router", "external_gateway_info": {"network_id": public["id"]}}
    router = network_router.make(tables, project_id=project_id, wish=gateway)
    network_router.connect(tables, router, subnet)
