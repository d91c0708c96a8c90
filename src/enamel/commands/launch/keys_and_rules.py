"""Keys and rules: the key that opens a server, and who may reach it."""

import msgspec

from enamel.commands.launch import public_key
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
    resolved = []
    for parsed in member.rules:
        rule = parsed.rule
        if parsed.group is not None:
            groups = lookup.facts.security_groups
            group = lookup.find(groups, parsed.group, what="security group", pointer=parsed.pointer)
            rule = msgspec.structs.replace(rule, group_id=group.id if group else None)
        resolved.append(rule)
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
