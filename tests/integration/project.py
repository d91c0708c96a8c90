"""A project of its own on a real OpenStack: made for a module of tests, and removed with all that is in it.

In a project that nobody else uses, "before and after" can be compared to the last port.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from openstack.config import OpenStackConfig

from tests.contract.cloud import conftest as accounts

Inventory = dict[str, list[str]]

LISTS = {
    "servers": ("compute", "/servers", "servers", "id"),
    "keypairs": ("compute", "/os-keypairs", "keypairs", "name"),
    "server groups": ("compute", "/os-server-groups", "server_groups", "id"),
    "ports": ("network", "/ports", "ports", "id"),
    "addresses": ("network", "/floatingips", "floatingips", "id"),
    "networks": ("network", "/networks", "networks", "id"),
    "routers": ("network", "/routers", "routers", "id"),
    "groups": ("network", "/security-groups", "security_groups", "id"),
    "rules": ("network", "/security-group-rules", "security_group_rules", "id"),
    "volumes": ("volume", "/volumes/detail", "volumes", "id"),
}
"""What is compared: where it is listed, under which key, and what it is known by."""


class Project:
    """The project, its only user, and the operator who made both."""

    def __init__(self, entry: str, *, file: Path) -> None:
        config = OpenStackConfig()
        run = secrets.token_hex(3)
        self.name = f"launch-{run}"
        self.file = file
        self._count = 0
        self.admin = accounts.Account(accounts.region(config, f"{entry}-admin"), self.unique)
        self.id, self._user_id = self._make()
        cloud = self._entry(config, f"{entry}-admin")
        file.write_text(
            yaml.safe_dump({"clouds": {"mine": cloud, "locked-out": _with_wrong_password(cloud)}})
        )
        own = OpenStackConfig(config_files=[str(file)], load_envvars=False)
        self.user = accounts.Account(accounts.region(own, "mine"), self.unique)
        self.network_id = self._plug()

    def unique(self) -> str:
        """Return a name that nothing else has."""
        self._count += 1
        return f"{self.name}-{self._count}"

    def ask(
        self, method: str, service: str, path: str, body: Any = None, *, by: accounts.Account | None = None
    ) -> Any:
        """Send a request that has to succeed, and return its answer."""
        headers = {"OpenStack-API-Version": "placement 1.30"} if service == "placement" else None
        account = by or self.user
        answer = account.call(method, service, path, body, microversion=_version(service), headers=headers)
        assert answer.status < 300, f"{method} {path}: {answer.status} {answer.text[:300]}"
        return answer.body

    def operate(self, method: str, service: str, path: str, body: Any = None) -> Any:
        """Send a request as operator."""
        return self.ask(method, service, path, body, by=self.admin)

    def inventory(self) -> Inventory:
        """Return what there is in the project."""
        found = {
            kind: sorted(_known_by(one, key) for one in self.ask("GET", service, path)[collection])
            for kind, (service, path, collection, key) in LISTS.items()
        }
        kept = self.operate("GET", "compute", f"/servers/detail?all_tenants=1&project_id={self.id}&deleted=1")
        found["restorable"] = sorted(one["id"] for one in kept["servers"] if one["status"] == "SOFT_DELETED")
        return found

    def servers(self) -> dict[str, Any]:
        """Return the project's servers by name."""
        return {one["name"]: one for one in self.ask("GET", "compute", "/servers/detail")["servers"]}

    def attached(self, server_id: str) -> list[dict[str, Any]]:
        """Return the volumes of a server."""
        links = self.ask("GET", "compute", f"/servers/{server_id}/os-volume_attachments")["volumeAttachments"]
        return [self.ask("GET", "volume", f"/volumes/{link['volumeId']}")["volume"] for link in links]

    @contextmanager
    def limited(self, service: str, **limits: int) -> Iterator[None]:
        """Give the project a small quota for a while."""
        path = {"compute": "/os-quota-sets/", "volume": "/os-quota-sets/", "network": "/quotas/"}[service]
        wrapper = "quota" if service == "network" else "quota_set"
        before = self.operate("GET", service, path + self.id)[wrapper]
        self.operate("PUT", service, path + self.id, {wrapper: limits})
        try:
            yield
        finally:
            self.operate("PUT", service, path + self.id, {wrapper: {name: before[name] for name in limits}})

    def clean_up(self) -> None:
        """Remove what a test that failed has left in the project."""
        left = self.inventory()
        for id in left["servers"] + left["restorable"]:
            self.admin.call("POST", "compute", f"/servers/{id}/action", {"forceDelete": None})
        self.admin.until(lambda: not (now := self.inventory())["servers"] and not now["restorable"])
        for id in left["addresses"]:
            self.user.call("DELETE", "network", f"/floatingips/{id}")
        for port in self.ask("GET", "network", "/ports")["ports"]:
            if not port["device_owner"].startswith("network:"):
                self.user.call("DELETE", "network", f"/ports/{port['id']}")
        for group in self.ask("GET", "network", "/security-groups")["security_groups"]:
            if group["name"] != "default":
                self.user.call("DELETE", "network", f"/security-groups/{group['id']}")
        for name in left["keypairs"]:
            self.user.call("DELETE", "compute", f"/os-keypairs/{name}")
        for id in left["volumes"]:
            self.user.call("DELETE", "volume", f"/volumes/{id}")
        self.admin.until(lambda: not self.inventory()["volumes"])

    def remove(self) -> None:
        """Remove the project and whatever is left in it."""
        self.clean_up()
        for router in self.inventory()["routers"]:
            for port in self.ask("GET", "network", f"/ports?device_id={router}")["ports"]:
                body = {"port_id": port["id"]}
                self.user.call("PUT", "network", f"/routers/{router}/remove_router_interface", body)
            self.user.call("DELETE", "network", f"/routers/{router}")
        for network in self.ask("GET", "network", f"/networks?project_id={self.id}")["networks"]:
            self.user.call("DELETE", "network", f"/networks/{network['id']}")
        self.user.close()
        self.admin.call("DELETE", "identity", f"/users/{self._user_id}")
        for group in self.operate("GET", "network", f"/security-groups?project_id={self.id}")[
            "security_groups"
        ]:
            self.admin.call("DELETE", "network", f"/security-groups/{group['id']}")
        self.admin.call("DELETE", "identity", f"/projects/{self.id}")
        self.admin.close()

    def _make(self) -> tuple[str, str]:
        made = self.operate(
            "POST", "identity", "/projects", {"project": {"name": self.name, "domain_id": "default"}}
        )
        project = made["project"]["id"]
        wanted = {"name": self.name, "password": "secret", "domain_id": "default"}
        user = self.operate("POST", "identity", "/users", {"user": wanted})["user"]["id"]
        roles = {one["name"]: one["id"] for one in self.operate("GET", "identity", "/roles")["roles"]}
        self.operate("PUT", "identity", f"/projects/{project}/users/{user}/roles/{roles['member']}")
        return project, user

    def _entry(self, config: OpenStackConfig, admin: str) -> dict[str, Any]:
        known = accounts.region(config, admin)
        return {
            "region_name": known.region_name,
            "auth": {
                "auth_url": known.config["auth"]["auth_url"],
                "username": self.name,
                "password": "secret",
                "project_name": self.name,
                "user_domain_name": "Default",
                "project_domain_name": "Default",
            },
        }

    def _plug(self) -> str:
        """Give the project a network with a way out."""
        outside = self.ask("GET", "network", "/networks?router:external=true")["networks"][0]["id"]
        network = self.ask("POST", "network", "/networks", {"network": {"name": "private"}})["network"]["id"]
        subnet = {"network_id": network, "ip_version": 4, "cidr": "10.9.0.0/24", "name": "private"}
        made = self.ask("POST", "network", "/subnets", {"subnet": subnet})["subnet"]
        wanted = {"name": "out", "external_gateway_info": {"network_id": outside}}
        router = self.ask("POST", "network", "/routers", {"router": wanted})["router"]["id"]
        self.ask("PUT", "network", f"/routers/{router}/add_router_interface", {"subnet_id": made["id"]})
        return str(network)


def _version(service: str) -> str | None:
    return {"compute": "2.79", "volume": "3.50"}.get(service)


def _known_by(one: dict[str, Any], key: str) -> str:
    return str(one.get(key) or one["keypair"][key])


def _with_wrong_password(cloud: dict[str, Any]) -> dict[str, Any]:
    return {**cloud, "auth": {**cloud["auth"], "password": "wrong"}}
