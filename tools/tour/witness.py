"""The witness: what the cloud itself says, asked directly and in its own words, without Enamel in between."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import openstack

VERSIONS = {"compute": "2.79", "block_storage": "3.50"}


class Witness:
    """Asks Nova, Neutron, Cinder and Glance as the operator, who sees what users do not."""

    def __init__(self, clouds: Path) -> None:
        config = openstack.config.OpenStackConfig(config_files=[str(clouds)], load_envvars=False)
        self._cloud = openstack.connection.Connection(config=config.get_one("operator"))

    def ask(self, service: str, path: str) -> Any:
        """Return what a service answers on a path, or None where it knows no such thing."""
        answer = getattr(self._cloud, service).get(path, microversion=VERSIONS.get(service))
        if answer.status_code == 404:
            return None
        openstack.exceptions.raise_from_response(answer)
        return answer.json()

    def project(self) -> str:
        """Return the id of the project that the tour is in."""
        return str(self._cloud.current_project_id)

    def server(self, id: str) -> str:
        """Tell how a server is, and what was done to it last."""
        found = self.ask("compute", f"/servers/{id}")
        if found is None:
            return "Nova: 404"
        one = found["server"]
        told = [one["name"], one["status"], one["flavor"]["original_name"]]
        told += ["locked"] * one["locked"]
        return f"Nova: {' '.join(told)}; {self.deeds(id)}"

    def deeds(self, id: str, *, last: int = 2) -> str:
        """Tell what Nova remembers as the last actions on a server, the latest first."""
        found = self.ask("compute", f"/servers/{id}/os-instance-actions")
        words = [one["action"] for one in found["instanceActions"][:last]]
        return f"its actions: {', '.join(words)} …"

    def tags(self, id: str) -> str:
        """Tell which tags are on a server."""
        return f"Nova: {_listed(self.ask('compute', f'/servers/{id}/tags')['tags'])}"

    def image(self, id: str) -> str:
        """Tell how an image is."""
        found = self.ask("image", f"/images/{id}")
        return f"Glance: {found['name']} {found['status']}" if found else "Glance: 404"

    def volume(self, id: str) -> str:
        """Tell how a volume is."""
        found = self.ask("block_storage", f"/volumes/{id}")
        if found is None:
            return "Cinder: 404"
        one = found["volume"]
        return f"Cinder: {one['name'] or one['id'][:8]} {one['size']} GB {one['status']}"

    def ports(self, server: str) -> str:
        """Tell which ports and public addresses a server has."""
        ports = self.ask("network", f"/ports?device_id={server}")["ports"]
        public = [
            address["floating_ip_address"]
            for one in ports
            for address in self.ask("network", f"/floatingips?port_id={one['id']}")["floatingips"]
        ]
        fixed = [ip["ip_address"] for one in ports for ip in one["fixed_ips"]]
        return f"Neutron: {_listed(fixed)}" + (f" with {_listed(public)}" if public else "")

    def keypair(self, name: str) -> str:
        """Tell whether Nova knows a keypair; it is the user's, whom the operator has to name."""
        found = self.ask("compute", f"/os-keypairs/{name}")
        return f"Nova: {found['keypair']['fingerprint']}" if found else "Nova: 404"

    def flavor(self, id: str) -> str:
        """Tell how a flavor is."""
        found = self.ask("compute", f"/flavors/{id}")
        if found is None:
            return "Nova: 404"
        one = found["flavor"]
        shape = f"{one['ram']} MB, {one['vcpus']} vCPU, {one['disk']} GB"
        extra = f", {one['extra_specs']}" if one.get("extra_specs") else ""
        return f"Nova: {one['name']} {shape}{extra}"

    def access(self, flavor: str) -> str:
        """Tell which projects may use a flavor, and what Enamel has noted on it."""
        projects = self.ask("compute", f"/flavors/{flavor}/os-flavor-access")["flavor_access"]
        specs = self.ask("compute", f"/flavors/{flavor}/os-extra_specs")["extra_specs"]
        return f"Nova: access for {len(projects)} projects, {specs}"

    def address(self, id: str) -> str:
        """Tell where a floating IP leads."""
        found = self.ask("network", f"/floatingips/{id}")
        if found is None:
            return "Neutron: 404"
        one = found["floatingip"]
        return f"Neutron: {one['floating_ip_address']} to {one['fixed_ip_address'] or 'nobody'}"

    def count(self, service: str, path: str, key: str) -> str:
        """Tell how many of a kind there are."""
        names = {"compute": "Nova", "network": "Neutron", "image": "Glance", "block_storage": "Cinder"}
        return f"{names[service]}: {len(self.ask(service, path)[key])} {key}"

    def zones(self) -> str:
        """Tell which zones there are."""
        found = self.ask("compute", "/os-availability-zone")["availabilityZoneInfo"]
        return f"Nova: {_listed(one['zoneName'] for one in found)}"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(sorted(words)) or "none"
