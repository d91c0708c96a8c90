"""Keys and rules: the key that opens a server, and who may reach it."""

from collections.abc import Sequence

import msgspec

from enamel.commands.launch import interface as interfaces
from enamel.commands.launch import public_key
from enamel.commands.launch.interface import Interface
from enamel.commands.launch.server_request import RequestedServer
from enamel.commands.lookup import Lookup
from enamel.model import cloud
from enamel.model.launch import KeypairChoice


def key(member: RequestedServer, lookup: Lookup) -> KeypairChoice | None:
    """Return a server's key; with its text only where it is to be imported."""
    body, pointer = member.request, member.at_either("keypair")
    named = body.keypair if body.keypair is not None else body.keypair_id
    if named is None:
        return None
    choice = named if isinstance(named, KeypairChoice) else KeypairChoice(name=named)
    existing = lookup.facts.keypairs.get(choice.name)
    if choice.public_key is None:
        if existing is None:
            detail = f"There is no keypair '{choice.name}'; send its `public_key` along to import it."
            lookup.fault(pointer, detail, "unknown")
        return choice
    if existing is None:
        return choice
    if public_key.content(existing.public_key) != public_key.content(choice.public_key):
        lookup.fault(pointer, f"Another key has the name '{choice.name}'; choose another name.", "taken")
    return KeypairChoice(name=choice.name)


def rules(member: RequestedServer, lookup: Lookup) -> tuple[cloud.Rule, ...]:
    """Return the rules of `allow`, each once, with the groups that they name looked up."""
    resolved: list[cloud.Rule] = []
    for parsed in member.rules:
        rules = parsed.rules
        if parsed.group is not None:
            groups = lookup.facts.security_groups
            group = lookup.find(groups, parsed.group, what="security group", pointer=parsed.pointer)
            id = group.id if group else None
            rules = tuple(msgspec.structs.replace(rule, group_id=id) for rule in rules)
        resolved += rules
    return tuple(dict.fromkeys(resolved))


def groups(member: RequestedServer, lookup: Lookup) -> tuple[str, ...] | None:
    """Return the ids of the security groups that a server names; None leaves the project's default."""
    named = member.request.security_groups
    if named is None:
        return None
    ids = []
    for number, name in enumerate(named):
        pointer = f"{member.at('security_groups')}/{number}"
        group = lookup.find(lookup.facts.security_groups, name, what="security group", pointer=pointer)
        ids += [group.id] if group else []
    return tuple(dict.fromkeys(ids))


def check_groups(member: RequestedServer, plugged: Sequence[Interface] | None, lookup: Lookup) -> None:
    """Note that a server's security groups can be put on none of its interfaces."""
    if not plugged or any(interface.accepts_groups for interface in plugged):
        return
    networks = {network.id: network.name for network in lookup.facts.networks}
    unfiltered = [networks.get(interface.network_id or "") for interface in plugged if not interface.port_id]
    listed = " and ".join(f"'{name}'" for name in dict.fromkeys(unfiltered) if name)
    address = interfaces.own(member, lookup.facts)
    detail, code = "", "no_port_security"
    if listed:
        detail = (
            f"Security groups cannot be used on network {listed}: its port security is off, so that nothing is "
            f"filtered there. Leave them out, or use another network."
        )
    elif address is not None:
        detail = f"Address {address.address} is a port, which keeps its security groups; leave this out."
        code = "invalid"
    for name in ("allow", "security_groups") if detail else ():
        # Ports that the request names are a fault of the request alone.
        if getattr(member.request, name):
            lookup.fault(member.at(name), detail, code)
