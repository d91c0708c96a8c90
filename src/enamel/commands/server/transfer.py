"""`server.transfer`: move a server to another project, with its disk, volumes, metadata and tags."""

from datetime import timedelta
from typing import Any

import msgspec

from enamel.commands import quota
from enamel.commands.command import CommandRequest, Planned
from enamel.commands.facts import Facts, FactsNeeded, Target
from enamel.commands.lookup import Lookup
from enamel.flow.draft import Draft, Handle
from enamel.flow.plan import Group
from enamel.model import cloud, mark
from enamel.model.errors import WrongState
from enamel.model.server_change import ServerChange
from enamel.model.states import ServerState
from enamel.steps import attachment, port, server, snapshot, transfer

STATES = frozenset({ServerState.ACTIVE, ServerState.STOPPED})
MARK = "enamel"


def ask(request: CommandRequest) -> FactsNeeded:
    """Return what has to be known: the server, and what there is in the other project."""
    body: ServerChange = request.body
    return FactsNeeded(
        server=request.params["server"],
        interfaces=True,
        target=body.project_id,
        target_name=body.hostname,
    )


def plan(request: CommandRequest, facts: Facts) -> Planned:
    """Return the plan of a transfer.

    Until the original is ended, everything can be undone: the image and the new server go, the volumes come back,
    and the original is started again.

    Raises:
        WrongState: The server is not at rest, or another task is at work on it.
    """
    if facts.server is None or facts.target is None:
        raise AssertionError("the facts of a transfer have the server and where it goes")
    body: ServerChange = request.body
    old, target = facts.server, facts.target
    _check(old, facts)
    name = body.hostname or old.name
    lookup = Lookup(msgspec.structs.replace(facts, networks=target.networks, quota=target.quota, reserved={}))
    size, network = _size(old, target, lookup), _network(body, target, lookup)
    _fit(old, target, name=name, lookup=lookup)
    plan = Draft()
    if size is not None and network is not None:
        _write(plan, old, facts=facts, target=target, name=name, size=size, network=network)
        volumes = {"volumes": len(facts.volumes), "gigabytes": sum(disk.size_gb for disk in facts.volumes)}
        lookup.faults += quota.faults(plan.needs(target.reference.entry) | volumes, lookup.facts)
    planned = plan.plan(
        groups=(Group(name=old.name, id=old.id),),
        all_or_nothing=True,
        notes=(
            "The server gets another id and other addresses; its public addresses stay in the old project.",
            "It gets the default security group there; the groups that it has here stay here.",
            "Once the original is deleted, the transfer cannot be undone.",
        ),
    )
    return Planned(plan=planned, faults=tuple(lookup.faults), timeout=timedelta(hours=3))


def _write(
    draft: Draft,
    old: cloud.Server,
    *,
    facts: Facts,
    target: Target,
    name: str,
    size: cloud.Flavor,
    network: cloud.Network,
) -> None:
    """Put the steps of a transfer into a plan."""
    image, shared = _image(draft, old, project_id=target.identity.project_id)
    boot = server.Boot(
        names=(name,),
        flavor_id=size.id,
        image_id=image["id"],
        networks=(cloud.NetworkPort(network_id=network.id),),
        key_name=old.key_name if target.keypair else None,
        zone=old.zone or None,
        properties=tuple((key, value) for key, value in old.metadata.items() if key != MARK),
        tags=old.tags,
        cores=size.vcpus,
        memory_mb=size.memory_mb,
    )
    entry, project = target.reference.entry, target.reference.project
    id = draft.add(boot, group=old.name, after=[shared], cloud=entry, project=project)["servers", 0, "id"]
    active = draft.add(server.AwaitActive(id=id), group=old.name, cloud=entry, project=project)
    volumes = _volumes(draft, old, facts, new=id, target=target, active=active)
    ended = draft.add(transfer.EndOriginal(id=old.id), group=old.name, after=[active, *volumes])
    draft.add(transfer.DropImage(id=image["id"]), group=old.name, after=[ended])
    for plug in facts.ports:
        by = mark.read(plug.mark)
        if by is not None and not by.lasting:
            # Nova deletes the ports that it has made itself, and leaves those of a launch.
            draft.add(port.DeletePort(id=plug.id), group=old.name, after=[ended])


def _image(draft: Draft, old: cloud.Server, *, project_id: str) -> tuple[Handle, Handle]:
    """Add the steps that make an image of the server and share it with the other project."""
    running = old.state is ServerState.ACTIVE
    stopped = [draft.add(transfer.StopServer(id=old.id), group=old.name)] if running else []
    take = snapshot.TakeImage(server_id=old.id, name=f"{old.name}-transfer")
    image = draft.add(take, group=old.name, after=stopped)
    active = draft.add(snapshot.AwaitImage(id=image["id"]), group=old.name)
    share = transfer.ShareImage(id=image["id"], project_id=project_id)
    return image, draft.add(share, group=old.name, after=[active])


def _volumes(
    draft: Draft, old: cloud.Server, facts: Facts, *, new: Any, target: Target, active: Handle
) -> list[Handle]:
    """Add the steps that hand the server's volumes over, once the new server is ACTIVE: until then nothing has changed."""
    entry, project = target.reference.entry, target.reference.project
    attached = []
    for disk in facts.volumes:
        detach = transfer.UnplugVolume(server_id=old.id, volume_id=disk.id)
        free = draft.add(detach, group=old.name, after=[active])
        hand_over = transfer.HandOverVolume(id=disk.id, entry=entry, project=project)
        given = draft.add(hand_over, group=old.name, after=[free])
        beside = tuple(other.id for other in facts.volumes if other.id != disk.id)
        attach = attachment.AttachVolume(server_id=new, volume_id=disk.id, beside=beside)
        attached.append(draft.add(attach, group=old.name, after=[given], cloud=entry, project=project))
    return attached


def _check(old: cloud.Server, facts: Facts) -> None:
    """Raise WrongState where the server cannot be transferred now."""
    if facts.unfinished:
        busy = facts.unfinished[0]
        raise WrongState(
            f"Task {busy.id} ({busy.action}) is at work on server '{old.name}'.",
            remedy="Wait for that task, or cancel it.",
            task=busy.id,
        )
    if old.locked or old.activity is not None or old.state not in STATES:
        why = "it is locked" if old.locked else f"its state is {(old.activity or old.state).value}"
        raise WrongState(
            f"Server '{old.name}' cannot be transferred now: {why}.",
            state=old.state.value,
            remedy="A server that is transferred is unlocked, and runs or is shut down.",
        )


def _size(old: cloud.Server, target: Target, lookup: Lookup) -> cloud.Flavor | None:
    """Return the type in the other project, which has to be able to use it."""
    for flavor in target.flavors:
        if flavor.id == old.flavor_id or (not old.flavor_id and flavor.name == old.flavor_name):
            return flavor
    detail = f"Project '{target.identity.project_name}' cannot use the server type '{old.flavor_name or old.flavor_id}'."
    lookup.fault("/project_id", detail, "unknown")
    return None


def _network(body: ServerChange, target: Target, lookup: Lookup) -> cloud.Network | None:
    """Return the network in the other project."""
    if body.network is not None:
        return lookup.find(target.networks, body.network, what="network", pointer="/network")
    project = target.identity.project_id
    inside = [
        network for network in target.networks if network.subnets and network.up and not network.external
    ]
    own = [network for network in inside if network.project_id == project] or [
        network for network in inside if network.shared
    ]
    best = (
        [network for network in inside if network.default_interface]
        or [network for network in own if network.default]
        or own
    )
    if len(best) == 1:
        return best[0]
    listed = ", ".join(sorted(f"'{network.name}'" for network in best)[:20])
    detail = (
        f"Project '{target.identity.project_name}' has {len(best)} networks; say which: {listed}."
        if best
        else f"Project '{target.identity.project_name}' has no network; make one there, or name one."
    )
    lookup.fault("/network", detail, "ambiguous" if best else "required")
    return None


def _fit(old: cloud.Server, target: Target, *, name: str, lookup: Lookup) -> None:
    """Note what else stands in the way."""
    if target.identity.project_id == lookup.facts.identity.project_id:
        lookup.fault("/project_id", f"Server '{old.name}' is in that project already.", "same")
    if old.image_id is None:
        detail = f"Server '{old.name}' boots from a volume; only servers that boot from an image can be transferred."
        lookup.fault("/project_id", detail, "boots_from_volume")
    if target.servers_named:
        detail = f"Project '{target.identity.project_name}' has a server '{name}'."
        lookup.fault("/hostname", detail, "taken")
    for disk in lookup.facts.volumes:
        if len(disk.attached_to) > 1:
            detail = f"Volume '{disk.name or disk.id}' is attached to other servers, too; detach it from them first."
            lookup.fault("/project_id", detail, "in_use")
