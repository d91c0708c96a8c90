"""Security groups: what may reach a server."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct, field

from enamel.clouds.methods import network as methods
from enamel.clouds.openstack import service, transport
from enamel.clouds.openstack.compute import server_json
from enamel.model import cloud
from enamel.model.errors import CloudConflict

SERVICE = "network"
_FIELDS = ("id", "name", "description", "project_id", "tenant_id", "created_at", "updated_at")


class _Group(Struct):
    id: service.Id
    name: str = ""
    description: str | None = ""
    project_id: str = ""
    tenant_id: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None

    def neutral(self) -> cloud.SecurityGroup:
        return cloud.SecurityGroup(
            id=self.id,
            name=self.name,
            description=self.description or "",
            project_id=self.project_id or self.tenant_id,
            created=server_json.aware(self.created_at),
            updated=server_json.aware(self.updated_at),
        )


class _Groups(service.Page):
    security_groups: list[_Group]
    security_groups_links: list[service.Link] = field(default_factory=list)


class _GroupBody(Struct):
    security_group: _Group


class _Rule(Struct):
    id: str = ""
    direction: str = ""
    protocol: str | None = None
    port_range_min: int | None = None
    port_range_max: int | None = None
    remote_ip_prefix: str | None = None
    remote_group_id: str | None = None
    security_group_id: str = ""
    ethertype: str = "IPv4"


class _Rules(service.Page):
    security_group_rules: list[_Rule]
    security_group_rules_links: list[service.Link] = field(default_factory=list)


class SecurityGroups(service.Service, methods.SecurityGroups):
    """The security groups of a project."""

    async def security_groups(self) -> Sequence[cloud.SecurityGroup]:
        """Return the project's security groups."""
        # An operator would be shown those of all projects; the rules are long, and nobody here reads them.
        project = (await self.keystone.access()).identity.project_id
        params = (("project_id", project), *(("fields", name) for name in _FIELDS))
        groups, _ = await self._pages(SERVICE, "/security-groups", answer=_Groups, params=params)
        neutral = [group.neutral() for group in groups]
        return [group for group in neutral if group.project_id in ("", project)]

    async def security_groups_named(self, names: Collection[str]) -> Sequence[cloud.SecurityGroup]:
        """Return the security groups, and those that have one of the ids and that the list does not show."""
        # What another project shares is not in the project's list.
        return await self._with(await self.security_groups(), names, self._security_group)

    async def _security_group(self, id: str) -> cloud.SecurityGroup:
        """Return one security group. Raises Gone."""
        reply = await self._get(SERVICE, f"/security-groups/{service.checked(id)}", answer=_GroupBody)
        return reply.security_group.neutral()

    async def security_groups_marked(self, mark: str) -> Sequence[cloud.SecurityGroup]:
        """Return the security groups whose description is the mark."""
        params = (("description", mark), *(("fields", name) for name in _FIELDS))
        groups, _ = await self._pages(SERVICE, "/security-groups", answer=_Groups, params=params)
        return [group.neutral() for group in groups if group.description == mark]

    async def create_security_group(self, name: str, *, mark: str) -> cloud.SecurityGroup:
        """Make a security group that lets nothing in yet."""
        body = {"security_group": {"name": name, "description": mark}}
        reply = await self._post(SERVICE, "/security-groups", body=body, answer=_GroupBody)
        return reply.security_group.neutral()

    async def add_rules(self, group_id: str, rules: Sequence[cloud.Rule]) -> None:
        """Add rules in one request; existing rules are not a fault."""
        bodies = list(dict.fromkeys(_Key.of(rule) for rule in rules))
        if not bodies:
            return
        try:
            await self._add(group_id, bodies)
        except CloudConflict:
            # An existing rule makes Neutron refuse all of them.
            params = (("security_group_id", group_id), ("direction", "ingress"))
            rules_now, _ = await self._pages(SERVICE, "/security-group-rules", answer=_Rules, params=params)
            known = {_Key.of_neutron(rule) for rule in rules_now}
            missing = [body for body in bodies if body not in known]
            if len(missing) == len(bodies):
                raise
            if missing:
                await self._add(group_id, missing)

    async def groups_letting_in(self, group_id: str) -> Sequence[str]:
        """Return the ids of other security groups whose rules name this one."""
        params = (
            ("remote_group_id", group_id),
            ("fields", "id"),
            ("fields", "security_group_id"),
            ("fields", "remote_group_id"),
        )
        rules, _ = await self._pages(SERVICE, "/security-group-rules", answer=_Rules, params=params)
        return [
            rule.security_group_id
            for rule in rules
            if rule.remote_group_id == group_id and rule.security_group_id != group_id
        ]

    async def delete_security_group(self, id: str) -> None:
        """Delete a security group."""
        await self._delete(SERVICE, "/security-groups", id)

    async def _add(self, group_id: str, rules: "Sequence[_Key]") -> None:
        body = {"security_group_rules": [rule.body(group_id) for rule in rules]}
        # Repeating is safe: a rule that exists is refused, which the caller understands.
        await self._post(
            SERVICE, "/security-group-rules", body=body, answer=transport.Nothing, repeatable=True
        )


class _Key(Struct, frozen=True):
    """What makes two rules the same."""

    protocol: str | None
    port_min: int | None
    port_max: int | None
    source: str | None
    group: str | None
    ethertype: str

    @classmethod
    def of(cls, rule: cloud.Rule) -> "_Key":
        """Return the key of a rule that is wanted."""
        port_max = rule.port_max if rule.port_max is not None else rule.port_min
        return cls(
            rule.protocol, rule.port_min, port_max, rule.source, rule.group_id, f"IPv{rule.ip_version}"
        )

    @classmethod
    def of_neutron(cls, rule: _Rule) -> "_Key":
        """Return the key of an existing rule."""
        return cls(
            # Whatever it is called in a request: Neutron shows it so since 2016.
            "icmpv6" if rule.protocol == "ipv6-icmp" else rule.protocol,
            rule.port_range_min,
            rule.port_range_max,
            rule.remote_ip_prefix,
            rule.remote_group_id,
            rule.ethertype,
        )

    def body(self, group_id: str) -> dict[str, Any]:
        """Return the rule as Neutron takes it."""
        # For ICMP the two are type and code, of which the second may be left open.
        return {
            "security_group_id": group_id,
            "direction": "ingress",
            "ethertype": self.ethertype,
            "protocol": self.protocol,
            "port_range_min": self.port_min,
            "port_range_max": self.port_max,
            "remote_ip_prefix": self.source,
            "remote_group_id": self.group,
        }
