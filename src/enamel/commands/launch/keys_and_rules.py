"""Keys and rules: the key that opens a server, and who may reach it."""

import msgspec

from enamel.commands.launch import public_key
from enamel.commands.launch.server_request import RequestedServer
from enamel.commands.lookup import Lookup
from enamel.model import cloud
from enamel.model.launch import KeypairChoice


def key(member: RequestedServer, look: Lookup) -> KeypairChoice | None:
    """Return a server's key; with its text only where it is to be imported."""
    wish, pointer = member.wish, member.at_either("keypair")
    wanted = wish.keypair if wish.keypair is not None else wish.keypair_id
    if wanted is None:
        return None
    choice = wanted if isinstance(wanted, KeypairChoice) else KeypairChoice(name=wanted)
    existing = look.facts.keypairs.get(choice.name)
    if choice.public_key is None:
        if existing is None:
            detail = f"There is no keypair '{choice.name}'; send its `public_key` along to import it."
            look.fault(pointer, detail, "unknown")
        return choice
    if existing is None:
        return choice
    if public_key.content(existing.public_key) != public_key.content(choice.public_key):
        look.fault(pointer, f"Another key has the name '{choice.name}'; choose another name.", "taken")
    return KeypairChoice(name=choice.name)


def rules(member: RequestedServer, look: Lookup) -> tuple[cloud.Rule, ...]:
    """Return the rules of `allow`, each once, with the groups that they name looked up."""
    found = []
    for parsed in member.rules:
        rule = parsed.rule
        if parsed.group is not None:
            groups = look.facts.security_groups
            group = look.find(groups, parsed.group, what="security group", pointer=parsed.pointer)
            rule = msgspec.structs.replace(rule, group_id=group.id if group else None)
        found.append(rule)
    return tuple(dict.fromkeys(found))


def groups(member: RequestedServer, look: Lookup) -> tuple[str, ...] | None:
    """Return the ids of the security groups that a server names; None leaves the project's default."""
    named = member.wish.security_groups
    if named is None:
        return None
    found = []
    for number, name in enumerate(named):
        pointer = f"{member.at('security_groups')}/{number}"
        group = look.find(look.facts.security_groups, name, what="security group", pointer=pointer)
        found += [group.id] if group else []
    return tuple(dict.fromkeys(found))
