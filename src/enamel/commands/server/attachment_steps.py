"""The steps of actions that attach volumes and interfaces to a server, and detach them."""

from enamel.commands.launch import interface
from enamel.commands.server.recipe import Recipe
from enamel.model import ip, mark
from enamel.model.states import VolumeState
from enamel.steps import attachment, port, volume


def attach_volume(recipe: Recipe) -> None:
    """Attach a volume: an existing one, or a new one that is made first."""
    body, server, lookup = recipe.request, recipe.server, recipe.lookup
    with_server = bool(body.delete_with_server)
    if body.volume is not None:
        for name in ("name", "volume_type"):
            if getattr(body, name) is not None:
                lookup.fault(f"/{name}", f"'{name}' is for a new volume, with `size_gb`.", "unknown_field")
        existing = lookup.find(lookup.facts.volumes, body.volume, what="volume", pointer="/volume")
        if existing is None:
            return
        if existing.id in server.volumes:
            lookup.fault(
                "/volume", f"Volume '{existing.name or existing.id}' is attached to this server already."
            )
        elif existing.state is not VolumeState.AVAILABLE and not (
            existing.multiattach and existing.state is VolumeState.IN_USE
        ):
            detail = (
                f"Volume '{existing.name or existing.id}' cannot be used: its state is '{existing.status}'."
            )
            lookup.fault("/volume", detail, "in_use" if existing.state is VolumeState.IN_USE else "invalid")
        recipe.add(
            attachment.AttachVolume(
                server_id=server.id,
                volume_id=existing.id,
                delete_with_server=with_server,
                beside=server.volumes,
            )
        )
        return
    size = body.size_gb or 0
    if body.volume_type is not None:
        lookup.find(lookup.facts.volume_types, body.volume_type, what="volume type", pointer="/volume_type")
    name = body.name or f"{server.name}-{len(server.volumes) + 1}"
    created = recipe.add(volume.CreateVolume(size_gb=size, name=name, type=body.volume_type))
    usable = recipe.add(volume.AwaitVolume(id=created["id"]))
    recipe.add(
        attachment.AttachVolume(
            server_id=server.id,
            volume_id=created["id"],
            delete_with_server=with_server,
            beside=server.volumes,
        ),
        after=usable,
    )


def detach_volume(recipe: Recipe) -> None:
    """Detach a volume, and delete it where the caller asks for that."""
    body, server, lookup = recipe.request, recipe.server, recipe.lookup
    own = [attached for attached in lookup.facts.volumes if attached.id in server.volumes]
    detached = lookup.find(own, body.volume or "", what="volume of this server", pointer="/volume")
    if detached is None:
        return
    kept = tuple(id for id in server.volumes if id != detached.id)
    freed = recipe.add(attachment.DetachVolume(server_id=server.id, volume_id=detached.id, beside=kept))
    if body.delete:
        recipe.add(volume.DeleteVolume(id=detached.id), after=freed)


def attach_port(recipe: Recipe) -> None:
    """Attach an interface: on an existing port, or on a new one."""
    body, server, lookup = recipe.request, recipe.server, recipe.lookup
    if body.port is not None:
        if body.fixed_ip is not None:
            lookup.fault(
                "/fixed_ip", "A port has its address already; leave `fixed_ip` out.", "unknown_field"
            )
        existing = lookup.find(lookup.facts.ports, body.port, what="port", pointer="/port")
        if existing is None:
            return
        if existing.server_id:
            lookup.fault("/port", f"Port '{existing.name or existing.id}' is in use.", "in_use")
        recipe.add(attachment.AttachPort(server_id=server.id, port_id=existing.id))
        return
    inside = [candidate for candidate in lookup.facts.networks if not candidate.external or candidate.shared]
    network = lookup.find(inside, body.network or "", what="network", pointer="/network")
    if network is None:
        return
    if not network.subnets:
        detail = f"Network '{network.name}' has no subnet, so a server gets no address there."
        lookup.fault("/network", detail)
    if body.fixed_ip is not None and ip.version(body.fixed_ip) is None:
        lookup.fault("/fixed_ip", f"'{body.fixed_ip}' is not an IP address.")
    elif body.fixed_ip is not None:
        interface.check_inside(
            body.fixed_ip, network, subnets=lookup.facts.subnets, pointer="/fixed_ip", lookup=lookup
        )
    new = port.RequestedPort(
        network_id=network.id, name=f"{server.name}-{network.name}", fixed_address=body.fixed_ip
    )
    created = recipe.add(port.CreatePorts(wants=(new,)))
    recipe.add(attachment.AttachPort(server_id=server.id, port_id=created["ports", 0, "id"]))


def detach_port(recipe: Recipe) -> None:
    """Detach an interface, and delete its port if Enamel has made it."""
    body, server, lookup = recipe.request, recipe.server, recipe.lookup
    if body.port is not None:
        detached = lookup.find(lookup.facts.ports, body.port, what="port of this server", pointer="/port")
    else:
        detached = next(
            (
                candidate
                for candidate in lookup.facts.ports
                if any(ip.same(body.fixed_ip or "", address) for address in candidate.addresses)
            ),
            None,
        )
        if detached is None:
            lookup.fault("/fixed_ip", f"Server '{server.name}' has no address {body.fixed_ip}.", "unknown")
    if detached is None:
        return
    freed = recipe.add(attachment.DetachPort(server_id=server.id, port_id=detached.id))
    by = mark.read(detached.mark)
    if by is not None and not by.lasting:
        # Nova deletes the ports that it has made; those that Enamel has made are Enamel's to delete.
        recipe.add(port.DeletePort(id=detached.id), after=freed)
