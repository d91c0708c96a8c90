"""What the network service offers to compute: interfaces for servers, and their reachability."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from enamel.sandbox import kernel, seams, table
from enamel.sandbox.network import auto as network_auto
from enamel.sandbox.network import group as network_group
from enamel.sandbox.network import port as network_port
from enamel.sandbox.network import state

COMMON = (22, 80, 443, 2222, 8080)
"""The number of ports opened for a range of allowed ones."""
MOST = 20
"""How many ports of one server are ever opened."""


class Networks(state.Tables):
    """The state of the network service, with the answers it gives to compute."""

    def resolve(
        self, caller: kernel.Caller, *, nics: Sequence[seams.Nic] | None, groups: Sequence[str]
    ) -> list[seams.Nic]:
        """Check requested interfaces and security groups and return the interfaces, or refuse in Nova's words."""
        self._group_ids(caller.project_id, groups)
        if nics is None:
            nics = self._usual(caller)
        fresh = 0
        seen: set[str] = set()
        for nic in nics:
            if nic.port_id:
                if nic.port_id in seen:
                    raise kernel.Refusal(409, f"Port {nic.port_id} is still in use.")
                seen.add(nic.port_id)
                self._check_port(caller, nic.port_id)
            else:
                fresh += 1
                self._check_network(caller, nic)
        if fresh > self.room(caller.project_id, "port"):
            raise kernel.Refusal(403, "Maximum number of ports exceeded")
        return list(nics)

    def auto(self, caller: kernel.Caller) -> list[seams.Nic]:
        """Return the interface of `networks: auto`: the project's only network, or its own topology."""
        usable = [row["id"] for row in self.networks.of(caller.project_id) if not row["router:external"]]
        if len(usable) > 1:
            raise _ambiguous()
        return [seams.Nic(network_id=usable[0] if usable else network_auto.network(self, caller.project_id))]

    def plug(
        self, *, server_id: str, project_id: str, nics: Sequence[seams.Nic], groups: Sequence[str], zone: str
    ) -> list[str]:
        """Create or bind the ports of a server, all or none, and return their ids in order."""
        group_ids = self._group_ids(project_id, groups)
        plugged: list[str] = []
        try:
            for nic in nics:
                plugged.append(self._plug(server_id, project_id, nic, group_ids, zone))
        except kernel.Refusal:
            for port_id in plugged:
                self.unplug(server_id=server_id, port_id=port_id)
            raise
        return plugged

    def unplug(self, *, server_id: str, port_id: str | None = None) -> None:
        """Delete the ports that `plug` made and free those that existed; of the whole server, or only one."""
        for own_id in self.ports_by_device.of(server_id):
            if port_id is not None and own_id != port_id:
                continue
            row = self.ports[own_id]
            if own_id in self.made_for_servers:
                network_port.drop(self, row)
            else:
                network_port.rebind(self, row, device_id="", device_owner="")
                row["status"] = "DOWN"
                self.changed(row)

    def power(self, *, server_id: str, running: bool) -> None:
        """Turn the server's ports ACTIVE or DOWN."""
        for port_id in self.ports_by_device.of(server_id):
            row = self.ports[port_id]
            row["status"] = "ACTIVE" if running else "DOWN"
            self.changed(row)

    def plugs(self, server_id: str) -> list[seams.Plug]:
        """Return the server's ports, oldest first."""
        return [self._seen(self.ports[port_id]) for port_id in self.ports_by_device.of(server_id)]

    def groups(self, server_id: str) -> list[dict[str, str]]:
        """Return `{"id", "name"}` of the security groups of the server's ports, each once."""
        names: dict[str, str] = {}
        for port_id in self.ports_by_device.of(server_id):
            for group_id in self.ports[port_id]["security_groups"]:
                names[group_id] = self.security_groups[group_id]["name"]
        return [{"id": group_id, "name": name} for group_id, name in names.items()]

    def change_group(self, caller: kernel.Caller, *, server_id: str, group: str, add: bool) -> None:
        """Put the server's ports in a security group (name or id), or take them out."""
        ids = network_group.named(self, caller.project_id, group)
        if not ids:
            raise kernel.Refusal(404, f"Security group {group} is not found for project {caller.project_id}")
        if len(ids) > 1:
            raise _several(group)
        held = False
        for port_id in self.ports_by_device.of(server_id):
            row = self.ports[port_id]
            without = [group_id for group_id in row["security_groups"] if group_id != ids[0]]
            held = held or len(without) < len(row["security_groups"])
            network_port.regroup(self, row, [*without, ids[0]] if add else without)
        if not add and not held:
            raise kernel.Refusal(404, f"Security group {group} not associated with the instance {server_id}")
        self.cloud.touch(server_id)

    def open_ports(self, server_id: str) -> dict[str, list[int]]:
        """Return the TCP ports its groups let in from outside, by public address."""
        opened: dict[str, list[int]] = {}
        for port_id in self.ports_by_device.of(server_id):
            row = self.ports[port_id]
            for floating_id in self.floatingips_by_port.of(port_id):
                address = self.floatingips[floating_id]["floating_ip_address"]
                opened[address] = self._let_in(row)
        return opened

    def _usual(self, caller: kernel.Caller) -> list[seams.Nic]:
        """Return the interfaces of a server that names none: the project's only network, or nothing."""
        own = [row for row in self.networks.of(caller.project_id) if not row["router:external"]]
        shared = [row for row in self.networks if row["shared"] and row not in own]
        usable = own or shared
        if len(usable) > 1:
            raise _ambiguous()
        return [seams.Nic(network_id=row["id"]) for row in usable]

    def _check_port(self, caller: kernel.Caller, port_id: str) -> None:
        """Refuse a port that is unknown, in use or without an address."""
        row = self.ports.get(port_id)
        if row is None or not caller.sees(row["project_id"]):
            raise kernel.Refusal(400, f"Port id {port_id} could not be found.")
        if row["device_id"]:
            raise kernel.Refusal(409, f"Port {port_id} is still in use.")
        if not row["fixed_ips"]:
            raise kernel.Refusal(400, f"Port {port_id} requires a FixedIP in order to be used.")

    def _check_network(self, caller: kernel.Caller, nic: seams.Nic) -> None:
        """Refuse a network that is unknown or without a subnet, and an address that is in use."""
        row = self.networks.get(nic.network_id)
        if row is None or not self.sees_network(caller, row):
            raise kernel.Refusal(400, f"Network {nic.network_id} could not be found.")
        if not row["subnets"]:
            raise kernel.Refusal(
                400, f"Network {nic.network_id} requires a subnet in order to boot instances on."
            )
        if nic.fixed_ip:
            home = next((subnet for subnet in row["subnets"] if self.pools[subnet].holds(nic.fixed_ip)), None)
            if home is not None and self.pools[home].owner(nic.fixed_ip) is not None:
                raise kernel.Refusal(
                    400,
                    f"Fixed IP address {nic.fixed_ip} is already in use on instance {self._user(nic, home)}.",
                )

    def _user(self, nic: seams.Nic, subnet_id: str) -> str:
        """Return the device that uses an address."""
        port = self.ports.get(self.pools[subnet_id].owner(nic.fixed_ip) or "")
        return str(port["device_id"]) if port else ""

    def _group_ids(self, project_id: str, groups: Sequence[str]) -> list[str]:
        """Return the ids of security groups named by name or id, or refuse."""
        ids = []
        for group in groups:
            matches = network_group.named(self, project_id, group)
            if not matches:
                raise kernel.Refusal(400, f"Unable to find security_group with name or id '{group}'")
            if len(matches) > 1:
                raise _several(group)
            ids.append(matches[0])
        return ids

    def _plug(self, server_id: str, project_id: str, nic: seams.Nic, group_ids: list[str], zone: str) -> str:
        """Create or bind one port."""
        owner = f"compute:{zone}"
        if nic.port_id:
            row = self.ports.get(nic.port_id)
            if row is None:
                raise kernel.Refusal(400, f"Port id {nic.port_id} could not be found.")
            if row["device_id"]:
                raise kernel.Refusal(409, f"Port {nic.port_id} is still in use.")
        else:
            self._refuse_late(project_id, nic)
            self.spend(project_id, port=1)
            wish: table.Row = {"network_id": nic.network_id}
            if group_ids and self._applies(project_id, nic, group_ids):
                wish["security_groups"] = group_ids
            if nic.fixed_ip:
                wish["fixed_ips"] = [{"ip_address": nic.fixed_ip}]
            row = network_port.make(self, project_id=project_id, wish=wish)
            self.made_for_servers.add(row["id"])
        network_port.rebind(self, row, device_id=server_id, device_owner=owner, host=f"sandbox-{zone}")
        self.changed(row)
        return str(row["id"])

    def _applies(self, project_id: str, nic: seams.Nic, group_ids: list[str]) -> bool:
        """Return whether a network's ports get security groups; Nova refuses any but the default one where they do not."""
        if self.networks[nic.network_id]["port_security_enabled"]:
            return True
        if group_ids != [network_group.default(self, project_id)]:
            raise kernel.Refusal(
                400,
                "Network requires port_security_enabled and subnet associated in order to apply security groups.",
            )
        return False

    def _refuse_late(self, project_id: str, nic: seams.Nic) -> None:
        """Refuse what Nova detects only while it builds: external networks and addresses of other projects."""
        network = self.networks.get(nic.network_id)
        if network is None:
            raise kernel.Refusal(404, f"Network {nic.network_id} could not be found.")
        if network["router:external"] and not network["shared"] and network["project_id"] != project_id:
            raise kernel.Refusal(403, "Failed to allocate the network(s), not rescheduling.")
        if nic.fixed_ip and not any(self.pools[subnet].holds(nic.fixed_ip) for subnet in network["subnets"]):
            raise kernel.Refusal(
                400,
                f"Invalid input received: Fixed IP {nic.fixed_ip} is not a valid ip address for network"
                f" {nic.network_id}.",
            )

    def _seen(self, row: table.Row) -> seams.Plug:
        """Return a port as a server sees it."""
        return seams.Plug(
            port_id=row["id"],
            network_id=row["network_id"],
            network=self.networks[row["network_id"]]["name"],
            mac=row["mac_address"],
            state=row["status"],
            fixed=tuple((fixed["ip_address"], fixed["subnet_id"]) for fixed in row["fixed_ips"]),
            floating=tuple(
                self.floatingips[floating_id]["floating_ip_address"]
                for floating_id in self.floatingips_by_port.of(row["id"])
            ),
        )

    def _let_in(self, row: table.Row) -> list[int]:
        """Return the TCP ports that a port's groups allow from this machine."""
        ports: dict[int, None] = {}
        if not row["port_security_enabled"]:
            return list(COMMON)
        for group_id in row["security_groups"]:
            for rule_id in self.rules_by_group.of(group_id):
                rule = self.rules[rule_id]
                if _from_here(rule):
                    low = 1 if rule["port_range_min"] is None else rule["port_range_min"]
                    high = 65535 if rule["port_range_max"] is None else rule["port_range_max"]
                    allowed = [port for port in COMMON if low <= port <= high]
                    ports.update(
                        dict.fromkeys([*allowed, *range(max(low, 1), min(high, low + MOST) + 1)][:MOST])
                    )
        return list(ports)[:MOST]


def _from_here(rule: table.Row) -> bool:
    """Return whether a rule allows TCP from a client on the sandbox's own machine."""
    if rule["direction"] != "ingress" or rule["ethertype"] != "IPv4" or rule["remote_group_id"]:
        return False
    if rule["protocol"] not in (None, "tcp", "6"):
        return False
    prefix = rule["remote_ip_prefix"]
    return prefix is None or ipaddress.ip_address("127.0.0.1") in ipaddress.ip_network(prefix, strict=False)


def _ambiguous() -> kernel.Refusal:
    """Refuse to choose between networks."""
    return kernel.Refusal(409, "Multiple possible networks found, use a Network ID to be more specific.")


def _several(group: str) -> kernel.Refusal:
    """Refuse to choose between security groups of one name."""
    return kernel.Refusal(
        409, f"Multiple security_group matches found for name '{group}', use an ID to be more specific."
    )
