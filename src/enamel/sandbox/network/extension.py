"""What the network service reports about itself: versions, resources, extensions and used addresses."""

from __future__ import annotations

from collections.abc import Callable

from enamel.sandbox import http, kernel
from enamel.sandbox.network import attribute, state

EXTENSIONS = {
    "address-scope": "Address scope",
    "agent": "agent",
    "auto-allocated-topology": "Auto Allocated Topology Services",
    "availability_zone": "Availability Zone",
    "binding": "Port Binding",
    "default-subnetpools": "Default Subnetpools",
    "dns-integration": "DNS Integration",
    "external-net": "Neutron external network",
    "ext-gw-mode": "Neutron L3 Configurable external gateway mode",
    "filter-validation": "Filter parameters validation",
    "fip-port-details": "Floating IP Port Details Extension",
    "floating-ip-router-writable": "Floating IP Router Writable Extension",
    "ip-substring-filtering": "IP address substring filtering",
    "net-mtu": "Network MTU",
    "network-ip-availability": "Network IP Availability",
    "network_availability_zone": "Network Availability Zone",
    "pagination": "Pagination support",
    "port-security": "Port Security",
    "port-security-groups-filtering": "Port filtering on security groups",
    "project-id": "project_id field enabled",
    "provider": "Provider Network",
    "quota_details": "Quota details management support",
    "quotas": "Quota management support",
    "router": "Neutron L3 Router",
    "router_availability_zone": "Router Availability Zone",
    "security-group": "security-group",
    "security-groups-normalized-cidr": "Normalized CIDR field for security group rules",
    "security-groups-rules-belongs-to-default-sg": "Security group rules belongs to the default security group",
    "sorting": "Sorting support",
    "standard-attr-description": "standard-attr-description",
    "standard-attr-revisions": "Resource revision numbers",
    "standard-attr-tag": "Tag support for resources with standard attribute: network, port, router …",
    "standard-attr-timestamp": "Resource timestamps",
    "stateful-security-group": "Stateful security group",
    "subnet-external-network": "Subnet belongs to an external network",
    "subnet_allocation": "Subnet Allocation",
}
"""The extensions that the sandbox implements, with their names."""


def versions(request: http.Request) -> kernel.Reply:
    """List the versions of the API."""
    link = {"rel": "self", "href": f"{request.root}/v2.0/"}
    return kernel.Reply(body={"versions": [{"id": "v2.0", "status": "CURRENT", "links": [link]}]})


def resources(request: http.Request) -> kernel.Reply:
    """List the resources at the core of the API."""
    named = {"network": "networks", "subnet": "subnets", "subnetpool": "subnetpools", "port": "ports"}
    bodies = [
        {
            "name": name,
            "collection": collection,
            "links": [{"rel": "self", "href": f"{request.root}/v2.0/{collection}"}],
        }
        for name, collection in named.items()
    ]
    return kernel.Reply(body={"resources": bodies})


def listing(request: http.Request) -> kernel.Reply:
    """List the extensions."""
    return kernel.Reply(
        body={
            "extensions": [
                _extension(alias) for alias in EXTENSIONS if alias not in request.cloud.era.without
            ]
        }
    )


def show(request: http.Request) -> kernel.Reply:
    """Show an extension."""
    alias = request.params["alias"]
    if alias not in EXTENSIONS or alias in request.cloud.era.without:
        raise kernel.Refusal(404, f"Extension with alias {alias} does not exist", kind="ExtensionNotFound")
    return kernel.Reply(body={"extension": _extension(alias)})


def nothing(collection: str) -> Callable[[http.Request], kernel.Reply]:
    """Return a handler of an empty list, for resources that the sandbox does not have."""

    def empty(request: http.Request) -> kernel.Reply:
        return kernel.Reply(body={collection: []})

    return empty


def availability(request: http.Request) -> kernel.Reply:
    """List how many addresses of each network are taken."""
    if not request.caller.admin:
        raise attribute.forbidden("get_network_ip_availability")
    tables = state.of(request)
    bodies = []
    for network in tables.networks:
        subnets = []
        for subnet_id in network["subnets"]:
            pool, subnet = tables.pools[subnet_id], tables.subnets[subnet_id]
            subnets.append(
                {
                    "subnet_id": subnet_id,
                    "ip_version": subnet["ip_version"],
                    "cidr": subnet["cidr"],
                    "subnet_name": subnet["name"],
                    "used_ips": pool.used,
                    "total_ips": pool.total,
                }
            )
        bodies.append(
            {
                "network_id": network["id"],
                "network_name": network["name"],
                "project_id": network["project_id"],
                "subnet_ip_availability": subnets,
                "used_ips": sum(subnet["used_ips"] for subnet in subnets),
                "total_ips": sum(subnet["total_ips"] for subnet in subnets),
                "tenant_id": network["project_id"],
            }
        )
    return kernel.Reply(body={"network_ip_availabilities": bodies})


def _extension(alias: str) -> kernel.Json:
    """Describe an extension."""
    name = EXTENSIONS[alias]
    return {
        "name": name,
        "alias": alias,
        "description": f"{name}.",
        "updated": "2020-01-01T00:00:00-00:00",
        "links": [],
    }
