"""The auto-allocated topology: one network, subnet and router per project, created on first use."""

from __future__ import annotations

from enamel.sandbox import http, kernel, table
from enamel.sandbox.network import network as network_network
from enamel.sandbox.network import router as network_router
from enamel.sandbox.network import state
from enamel.sandbox.network import subnet as network_subnet

NAME = "auto_allocated"


def show(request: http.Request) -> kernel.Reply:
    """Return the project's topology, creating it if needed; `fields=dry-run` only checks whether that is possible."""
    tables = state.of(request)
    project_id = _project(request)
    if "dry-run" in request.every("fields"):
        _requirements(tables)
        topology = {"id": "dry-run=pass", "project_id": project_id}
    else:
        topology = {"id": network(tables, project_id), "project_id": project_id, "tenant_id": project_id}
    return kernel.Reply(body={"auto_allocated_topology": topology})


def delete(request: http.Request) -> kernel.Reply:
    """Delete the project's topology."""
    tables = state.of(request)
    project_id = _project(request)
    network_id = tables.autos.get(project_id)
    if network_id is None:
        raise kernel.Refusal(
            404, f"Topology for project {project_id} could not be found.", kind="AutoAllocationNotFound"
        )
    ports = [tables.ports[port_id] for port_id in tables.ports_by_network.of(network_id)]
    busy = [port["id"] for port in ports if port["device_owner"] != "network:router_interface"]
    if busy:
        raise kernel.Refusal(
            409,
            f"Unable to complete operation on network {network_id}. There are one or more ports still in use on the"
            f" network, id for these ports is: {','.join(busy)}.",
            kind="NetworkInUse",
        )
    for port in ports:
        router = tables.routers[port["device_id"]]
        network_router.disconnect(tables, router, port)
        network_router.set_gateway(tables, router, None)
        tables.routers.drop(router["id"])
    network_network.drop(tables, tables.networks[network_id])
    return kernel.Reply(status=204)


def network(tables: state.Tables, project_id: str) -> str:
    """Return the id of the project's own network, creating it with subnet and router if needed."""
    known = tables.autos.get(project_id)
    if known is not None:
        return known
    external = _requirements(tables)
    tables.spend(project_id, network=1, subnet=1, router=1)
    row = network_network.make(tables, project_id=project_id, wish={"name": f"{NAME}_network"})
    subnet = network_subnet.make(
        tables,
        project_id=project_id,
        wish={
            "network_id": row["id"],
            "ip_version": 4,
            "use_default_subnetpool": True,
            "name": f"{NAME}_subnet_v4",
        },
    )
    router = network_router.make(
        tables,
        project_id=project_id,
        wish={"name": f"{NAME}_router", "external_gateway_info": {"network_id": external["id"]}},
    )
    network_router.connect(tables, router, subnet)
    tables.autos[project_id] = row["id"]
    return str(row["id"])


def _project(request: http.Request) -> str:
    """Return the project a request is about; others' topologies are for administrators."""
    project_id = request.params["project_id"]
    if project_id in ("null", "None"):
        project_id = request.caller.project_id
    if not request.caller.sees(project_id):
        raise kernel.Refusal(403, "Not authorized.", kind="NotAuthorized")
    return project_id


def _requirements(tables: state.Tables) -> table.Row:
    """Return the default external network, or refuse on a cloud that lacks what a topology needs."""
    external = next(
        (row for row in tables.networks if row["router:external"] and row.get("is_default")), None
    )
    if external is None or not any(row["is_default"] for row in tables.subnetpools):
        missing = (
            "No default router:external network" if external is None else "No default subnetpools defined"
        )
        raise kernel.Refusal(
            400,
            f"Deployment error: {missing}.",
            kind="AutoAllocationFailure",
        )
    return external
