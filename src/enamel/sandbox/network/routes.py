"""The sandbox's Neutron: networks, subnets, routers, ports, floating IPs, security groups, tags and quotas."""

from __future__ import annotations

from enamel.sandbox import http, kernel
from enamel.sandbox.http import Route
from enamel.sandbox.network import auto, extension, floatingip, group, network, port, quota, rule, tag
from enamel.sandbox.network import router as network_router
from enamel.sandbox.network import subnet as network_subnet

ROUTES = (
    Route("GET", "/", extension.versions, open=True),
    Route("GET", "/v2.0", extension.resources),
    Route("GET", "/v2.0/extensions", extension.listing),
    Route("GET", "/v2.0/extensions/{alias}", extension.show),
    Route("GET", "/v2.0/networks", network.listing),
    Route("POST", "/v2.0/networks", network.create),
    Route("GET", "/v2.0/networks/{id}", network.show),
    Route("PUT", "/v2.0/networks/{id}", network.update),
    Route("DELETE", "/v2.0/networks/{id}", network.delete),
    Route("GET", "/v2.0/subnets", network_subnet.listing),
    Route("POST", "/v2.0/subnets", network_subnet.create),
    Route("GET", "/v2.0/subnets/{id}", network_subnet.show),
    Route("PUT", "/v2.0/subnets/{id}", network_subnet.update),
    Route("DELETE", "/v2.0/subnets/{id}", network_subnet.delete),
    Route("GET", "/v2.0/subnetpools", network_subnet.list_pools),
    Route("GET", "/v2.0/subnetpools/{id}", network_subnet.show_pool),
    Route("GET", "/v2.0/routers", network_router.listing),
    Route("POST", "/v2.0/routers", network_router.create),
    Route("GET", "/v2.0/routers/{id}", network_router.show),
    Route("PUT", "/v2.0/routers/{id}", network_router.update),
    Route("DELETE", "/v2.0/routers/{id}", network_router.delete),
    Route("PUT", "/v2.0/routers/{id}/add_router_interface", network_router.add_interface),
    Route("PUT", "/v2.0/routers/{id}/remove_router_interface", network_router.remove_interface),
    Route("GET", "/v2.0/ports", port.listing),
    Route("POST", "/v2.0/ports", port.create),
    Route("GET", "/v2.0/ports/{id}", port.show),
    Route("PUT", "/v2.0/ports/{id}", port.update),
    Route("DELETE", "/v2.0/ports/{id}", port.delete),
    Route("GET", "/v2.0/floatingips", floatingip.listing),
    Route("POST", "/v2.0/floatingips", floatingip.create),
    Route("GET", "/v2.0/floatingips/{id}", floatingip.show),
    Route("PUT", "/v2.0/floatingips/{id}", floatingip.update),
    Route("DELETE", "/v2.0/floatingips/{id}", floatingip.delete),
    Route("GET", "/v2.0/security-groups", group.listing),
    Route("POST", "/v2.0/security-groups", group.create),
    Route("GET", "/v2.0/security-groups/{id}", group.show),
    Route("PUT", "/v2.0/security-groups/{id}", group.update),
    Route("DELETE", "/v2.0/security-groups/{id}", group.delete),
    Route("GET", "/v2.0/security-group-rules", rule.listing),
    Route("POST", "/v2.0/security-group-rules", rule.create),
    Route("GET", "/v2.0/security-group-rules/{id}", rule.show),
    Route("DELETE", "/v2.0/security-group-rules/{id}", rule.delete),
    Route("GET", "/v2.0/{collection}/{id}/tags", tag.listing),
    Route("PUT", "/v2.0/{collection}/{id}/tags", tag.replace),
    Route("POST", "/v2.0/{collection}/{id}/tags", tag.extend),
    Route("DELETE", "/v2.0/{collection}/{id}/tags", tag.clear),
    Route("GET", "/v2.0/{collection}/{id}/tags/{tag}", tag.show),
    Route("PUT", "/v2.0/{collection}/{id}/tags/{tag}", tag.add),
    Route("DELETE", "/v2.0/{collection}/{id}/tags/{tag}", tag.remove),
    Route("GET", "/v2.0/quotas", quota.listing),
    Route("GET", "/v2.0/quotas/{project_id}", quota.show),
    Route("PUT", "/v2.0/quotas/{project_id}", quota.update),
    Route("DELETE", "/v2.0/quotas/{project_id}", quota.reset),
    Route("GET", "/v2.0/quotas/{project_id}/default", quota.defaults),
    Route("GET", "/v2.0/quotas/{project_id}/details", quota.details),
    Route("GET", "/v2.0/quotas/{project_id}/details.json", quota.details),
    Route("GET", "/v2.0/auto-allocated-topology/{project_id}", auto.show),
    Route("DELETE", "/v2.0/auto-allocated-topology/{project_id}", auto.delete),
    Route("GET", "/v2.0/address-scopes", extension.nothing("address_scopes")),
    Route("GET", "/v2.0/agents", extension.nothing("agents")),
    Route("GET", "/v2.0/availability_zones", extension.nothing("availability_zones")),
    Route("GET", "/v2.0/network-ip-availabilities", extension.availability),
)


def word(refusal: kernel.Refusal) -> kernel.Reply:
    """Render a refusal the way Neutron does."""
    error = {"type": refusal.kind or "BadRequest", "message": refusal.message, "detail": refusal.detail}
    return kernel.Reply(status=refusal.status, body={"NeutronError": error}, headers=refusal.headers)


SERVICE = http.Service(
    name="network",
    prefix="/network",
    routes=ROUTES,
    word=word,
    not_found=kernel.Reply(
        status=404,
        body={
            "NeutronError": {
                "type": "HTTPNotFound",
                "message": "The resource could not be found.",
                "detail": "",
            }
        },
    ),
)
"""Neutron: its routes and the format of its refusals."""
