"""The cloud's own state, read directly from its APIs, without Enamel."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import openstack

VERSIONS = {"compute": "2.79", "block_storage": "3.50"}


class Witness:
    """Reads Nova, Neutron, Cinder and Glance with the operator's credentials."""

    def __init__(self, clouds: Path) -> None:
        config = openstack.config.OpenStackConfig(config_files=[str(clouds)], load_envvars=False)
        self._cloud = openstack.connection.Connection(config=config.get_one("operator"))

    def ask(self, service: str, path: str) -> Any:
        """Return a service's answer on a path, or None for 404."""
        answer = getattr(self._cloud, service).get(path, microversion=VERSIONS.get(service))
        if answer.status_code == 404:
            return None
        openstack.exceptions.raise_from_response(answer)
        return answer.json()

    def project(self) -> str:
        """Return the id of the tour's project."""
        return str(self._cloud.current_project_id)

    def server(self, id: str) -> str:
        """Describe a server and its last action."""
        answer = self.ask("compute", f"/servers/{id}")
        if answer is None:
            return "Nova: 404"
        server = answer["server"]
        facts = [server["name"], server["status"], server["flavor"]["original_name"]]
        facts += ["locked"] * server["locked"]
        return f"Nova: {' '.join(facts)}; {self.deeds(id)}"

    def deeds(self, id: str, *, last: int = 2) -> str:
        """Describe the last entries of a server's action log, the latest first."""
        answer = self.ask("compute", f"/servers/{id}/os-instance-actions")
        words = [action["action"] for action in answer["instanceActions"][:last]]
        return f"its actions: {', '.join(words)} …"

    def tags(self, id: str) -> str:
        """Describe the tags of a server."""
        return f"Nova: {_listed(self.ask('compute', f'/servers/{id}/tags')['tags'])}"

    def image(self, id: str) -> str:
        """Describe an image."""
        image = self.ask("image", f"/images/{id}")
        return f"Glance: {image['name']} {image['status']}" if image else "Glance: 404"

    def volume(self, id: str) -> str:
        """Describe a volume."""
        answer = self.ask("block_storage", f"/volumes/{id}")
        if answer is None:
            return "Cinder: 404"
        volume = answer["volume"]
        return f"Cinder: {volume['name'] or volume['id'][:8]} {volume['size']} GB {volume['status']}"

    def ports(self, server: str) -> str:
        """Describe the ports and floating IPs of a server."""
        ports = self.ask("network", f"/ports?device_id={server}")["ports"]
        public = [
            address["floating_ip_address"]
            for port in ports
            for address in self.ask("network", f"/floatingips?port_id={port['id']}")["floatingips"]
        ]
        fixed = [ip["ip_address"] for port in ports for ip in port["fixed_ips"]]
        return f"Neutron: {_listed(fixed)}" + (f" with {_listed(public)}" if public else "")

    def keypair(self, name: str) -> str:
        """Describe whether a keypair exists; it is the user's, whom the operator has to name."""
        keypair = self.ask("compute", f"/os-keypairs/{name}")
        return f"Nova: {keypair['keypair']['fingerprint']}" if keypair else "Nova: 404"

    def flavor(self, id: str) -> str:
        """Describe a flavor."""
        answer = self.ask("compute", f"/flavors/{id}")
        if answer is None:
            return "Nova: 404"
        flavor = answer["flavor"]
        shape = f"{flavor['ram']} MB, {flavor['vcpus']} vCPU, {flavor['disk']} GB"
        extra = f", {flavor['extra_specs']}" if flavor.get("extra_specs") else ""
        return f"Nova: {flavor['name']} {shape}{extra}"

    def access(self, flavor: str) -> str:
        """Describe a flavor's access list, and Enamel's marks on it."""
        projects = self.ask("compute", f"/flavors/{flavor}/os-flavor-access")["flavor_access"]
        specs = self.ask("compute", f"/flavors/{flavor}/os-extra_specs")["extra_specs"]
        return f"Nova: access for {len(projects)} projects, {specs}"

    def address(self, id: str) -> str:
        """Describe the association of a floating IP."""
        answer = self.ask("network", f"/floatingips/{id}")
        if answer is None:
            return "Neutron: 404"
        floating_ip = answer["floatingip"]
        return (
            f"Neutron: {floating_ip['floating_ip_address']} to {floating_ip['fixed_ip_address'] or 'nobody'}"
        )

    def count(self, service: str, path: str, key: str) -> str:
        """Describe the number of resources of a kind."""
        names = {"compute": "Nova", "network": "Neutron", "image": "Glance", "block_storage": "Cinder"}
        return f"{names[service]}: {len(self.ask(service, path)[key])} {key}"

    def zones(self) -> str:
        """Describe the availability zones."""
        zones = self.ask("compute", "/os-availability-zone")["availabilityZoneInfo"]
        return f"Nova: {_listed(zone['zoneName'] for zone in zones)}"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(sorted(words)) or "none"
