"""The state of the network service: its tables and indices.

The modules of the resources (`port`, `floatingip` …) create and change the rows; this module has what they share:
ownership, dependencies, quotas, and timestamps.
"""

from __future__ import annotations

from typing import cast

from enamel.sandbox import http, kernel, state, table
from enamel.sandbox.network import pool as network_pool

QUOTAS = {
    "network": 5000,
    "subnet": 5000,
    "subnetpool": -1,
    "port": 10000,
    "router_route": 30,
    "router": 5000,
    "floatingip": 5000,
    "rbac_policy": 10,
    "security_group": 5000,
    "security_group_rule": 50000,
    "trunk": -1,
}
"""The limits of a project, with the lab's values."""


class Tables:
    """The tables of the network service."""

    def __init__(self, cloud: state.Cloud) -> None:
        """Start without any network."""
        self.cloud = cloud
        self.networks = table.Table()
        self.subnets = table.Table()
        self.routers = table.Table()
        self.ports = table.Table()
        self.floatingips = table.Table()
        self.security_groups = table.Table()
        self.rules = table.Table()
        self.subnetpools = table.Table()
        self.limits: dict[str, dict[str, int]] = {}
        """Limits an administrator set, by project."""
        self.pools: dict[str, network_pool.Pool] = {}
        """The addresses of each subnet."""
        self.ports_by_device = table.Index()
        self.ports_by_network = table.Index()
        self.ports_by_group = table.Index()
        self.floatingips_by_port = table.Index()
        self.subnets_by_network = table.Index()
        self.rules_by_group = table.Index()
        self.routers_by_subnet = table.Index()
        self.defaults: dict[str, str] = {}
        """The id of each project's default security group."""
        self.autos: dict[str, str] = {}
        """The id of each project's auto-allocated network."""
        self.made_for_servers: set[str] = set()
        """Ports that were created for a server and are deleted with it."""
        self.used = {
            "network": self.networks,
            "subnet": self.subnets,
            "subnetpool": self.subnetpools,
            "port": self.ports,
            "router": self.routers,
            "floatingip": self.floatingips,
            "security_group": self.security_groups,
            "security_group_rule": self.rules,
        }
        """The tables that quotas count, by their names in a quota."""

    def inventory(self) -> dict[str, list[table.Row]]:
        """Return everything that exists, by kind."""
        return {
            "networks": list(self.networks),
            "subnets": list(self.subnets),
            "routers": list(self.routers),
            "ports": list(self.ports),
            "floatingips": list(self.floatingips),
            "security_groups": list(self.security_groups),
            "security_group_rules": list(self.rules),
        }

    def stamp(self) -> str:
        """Return the time as the network service writes it."""
        return self.cloud.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    def born(self, *, revision: int = 0) -> table.Row:
        """Return the timestamps of a new row."""
        now = self.stamp()
        return {"tags": [], "created_at": now, "updated_at": now, "revision_number": revision}

    def changed(self, row: table.Row) -> None:
        """Update the timestamp of a changed row."""
        row["updated_at"] = self.stamp()
        row["revision_number"] += 1

    def limit(self, project_id: str, name: str) -> int:
        """Return a project's limit; -1 is none."""
        own = self.limits.get(project_id, {})
        return own[name] if name in own else self.cloud.quota(name, default=QUOTAS[name])

    def room(self, project_id: str, name: str) -> int:
        """Return how many more resources a project may create."""
        limit = self.limit(project_id, name)
        return 1_000_000 if limit < 0 else limit - self.used[name].count(project_id)

    def spend(self, project_id: str, **counts: int) -> None:
        """Refuse new resources that exceed a project's quota."""
        over = sorted(name for name, count in counts.items() if count > self.room(project_id, name))
        if over:
            raise kernel.Refusal(409, f"Quota exceeded for resources: {over}.", kind="OverQuota")

    def project(self, request: http.Request, wish: table.Row) -> str:
        """Return the project that will own a new resource."""
        return str(wish.get("project_id") or wish.get("tenant_id") or request.caller.project_id)

    def sees_network(self, caller: kernel.Caller, row: table.Row) -> bool:
        """Return whether the caller sees a network: an own, a shared or an external one."""
        return caller.sees(row["project_id"]) or row["shared"] or row["router:external"]

    def address(
        self, network_id: str, owner: str, *, subnet_id: str = "", version: int = 4
    ) -> tuple[str, str] | None:
        """Allocate the next free address of a subnet, or of a network's first subnet of a version that has one."""
        for candidate in [subnet_id] if subnet_id else self.subnets_by_network.of(network_id):
            pool = self.pools[candidate]
            if subnet_id or pool.cidr.version == version:
                taken = pool.take(owner)
                if taken is not None:
                    return candidate, taken
        return None

    def free(self, address: str, *, subnet_id: str) -> None:
        """Release an address of a subnet."""
        pool = self.pools.get(subnet_id)
        if pool is not None:
            pool.free(address)

    def touch_port(self, port: table.Row) -> None:
        """Report that the reachability of a port's server may have changed."""
        if str(port["device_owner"]).startswith("compute:"):
            self.cloud.touch(port["device_id"])


def of(request: http.Request) -> Tables:
    """Return the tables of the cloud that a request is for."""
    return cast(Tables, request.cloud.network)
