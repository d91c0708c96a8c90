"""The recipes: the steps of each action on a server."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from enamel.commands.lookup import Lookup
from enamel.flow import expressions
from enamel.flow.draft import Draft, Handle
from enamel.model import cloud, mark
from enamel.model.action import Action, Wish
from enamel.model.states import ImageState, ServerActivity, ServerState, VolumeState
from enamel.steps import act, attachment, port, resize, snapshot, volume
from enamel.steps.step import Step

PASSWORD = "password"  # noqa: S105 - the symbol that stands for it in the plan
AT_REST = (ServerState.ACTIVE, ServerState.STOPPED)


STAGES = {
    "PREPARING_UPLOAD": (ServerActivity.SHELVING,),
    "REBUILDING_BLOCK_DEVICES": (ServerActivity.REBUILDING,),
}
"""What the cloud does until the end of a stage, by the item's action."""


class Simple(Struct, frozen=True):
    """An action that is one call and its effect on the server's state."""

    word: str
    """The item's action."""
    goal: tuple[ServerState, ...] = ()
    """Where it leads; nowhere means that the cloud's answer is the end of it."""
    tells: bool = True
    """Whether the goal differs from where it began."""


SIMPLE: dict[Action, Simple] = {
    Action.REBOOT: Simple("REBOOTING", (ServerState.ACTIVE,), tells=False),
    Action.HARD_REBOOT: Simple("REBOOTING", (ServerState.ACTIVE,), tells=False),
    Action.PAUSE: Simple("PAUSING", (ServerState.PAUSED,)),
    Action.UNPAUSE: Simple("UNPAUSING", (ServerState.ACTIVE,)),
    Action.SUSPEND: Simple("SUSPENDING", (ServerState.SUSPENDED,)),
    Action.RESUME: Simple("RESUMING", (ServerState.ACTIVE,)),
    Action.POWER_OFF: Simple("POWERING_OFF", (ServerState.STOPPED,)),
    Action.POWER_ON: Simple("POWERING_ON", (ServerState.ACTIVE,)),
    Action.UNRESCUE: Simple("UNRESCUING", (ServerState.ACTIVE,)),
    Action.RESTORE: Simple("RESTORING", AT_REST),
    Action.SHELVE_OFFLOAD: Simple("OFFLOADING", (ServerState.SHELVED_OFFLOADED,)),
    Action.UNSHELVE: Simple("UNSHELVING", (ServerState.ACTIVE,)),
    Action.LOCK: Simple("LOCKING"),
    Action.UNLOCK: Simple("UNLOCKING"),
    Action.CONFIRM_RESIZE: Simple("FINALIZING", AT_REST),
    Action.REVERT_RESIZE: Simple("REVERTING_RESIZE", AT_REST),
}
"""The actions that are one call each."""


class Recipe:
    """One action on one server, on its way to a plan."""

    def __init__(self, draft: Draft, *, server: cloud.Server, wish: Wish, lookup: Lookup) -> None:
        self.draft = draft
        self.server = server
        self.wish = wish
        self.look = lookup
        self.secrets: dict[str, bytes] = {}

    def add(self, step: Step, *, word: str | None = None, after: Handle | None = None) -> Handle:
        """Add a step for the server."""
        return self.draft.add(
            step, group=self.server.name, action=word, after=[after] if after is not None else []
        )

    def act(
        self,
        word: str,
        *,
        goal: tuple[ServerState, ...] = (),
        after: Handle | None = None,
        what: Action | None = None,
        arguments: dict[str, Any] | None = None,
        tells: bool = True,
        proof: bool = False,
    ) -> Handle:
        """Add the action itself, or another one that is part of it."""
        step = act.Act(
            id=self.server.id,
            what=what or self.wish.action,
            arguments=arguments or {},
            goal=goal,
            tells=tells,
            proof=proof,
        )
        return self.add(step, word=word, after=after)

    def settle(
        self,
        word: str,
        *,
        goal: tuple[ServerState, ...],
        begun: Handle,
        after: Handle | None = None,
        proof: bool = False,
    ) -> Handle:
        """Add the waiting for what an action leads to, which another step has begun."""
        # The id comes from that step, so that a restart repeats what failed.
        step = act.Settle(id=begun["id"], what=self.wish.action, goal=goal, proof=proof)
        return self.add(step, word=word, after=after)

    def stage(self, word: str, *, begun: Handle) -> Handle:
        """Add the waiting for the end of a stage of what another step has begun."""
        return self.add(act.Pass(id=begun["id"], stages=STAGES[word]), word=word)

    def password(self) -> dict[str, Any]:
        """Return the password as an argument: a reference into the key store, in no record itself."""
        if self.wish.password is None:
            return {}
        self.secrets[PASSWORD] = self.wish.password.encode()
        return {"password": expressions.secret(PASSWORD)}

    def image(self) -> str | None:
        """Return the id of the image from which the action starts; None if it names none."""
        named = self.wish.template_id or self.wish.template
        if named is None:
            return None
        ids_only = self.wish.template_id is not None
        pointer = "/template_id" if ids_only else "/template"
        images = self.look.facts.images
        image = self.look.find(images, named, what="template", pointer=pointer, ids_only=ids_only)
        if image is not None and image.state is not ImageState.ACTIVE:
            self.look.fault(pointer, f"Image '{image.name}' cannot be booted: its state is '{image.status}'.")
        return image.id if image else None


def _simple(recipe: Recipe) -> None:
    simple = SIMPLE[recipe.wish.action]
    arguments = {"reason": recipe.wish.reason} if recipe.wish.reason else {}
    recipe.act(simple.word, goal=simple.goal, tells=simple.tells, arguments=arguments)


def _image(recipe: Recipe) -> None:
    body = recipe.wish
    series = {"kind": body.kind, "keep": body.keep} if body.action is Action.BACKUP else None
    taken = recipe.add(snapshot.TakeImage(server_id=recipe.server.id, name=body.name or "", series=series))
    uploaded = recipe.add(snapshot.AwaitImage(id=taken["id"]))
    # The image is active a little before the cloud leaves the server alone again.
    rest = act.Settle(id=recipe.server.id, what=body.action, goal=(recipe.server.state,))
    recipe.add(rest, word="UPLOADING", after=uploaded)


def _update_password(recipe: Recipe) -> None:
    recipe.act(
        "UPDATING_PASSWORD", goal=(ServerState.ACTIVE,), arguments=recipe.password(), tells=False, proof=True
    )


def _rescue(recipe: Recipe) -> None:
    arguments = recipe.password() | ({"image_id": image} if (image := recipe.image()) else {})
    recipe.act("RESCUING", goal=(ServerState.RESCUED,), arguments=arguments)


def _rebuild(recipe: Recipe) -> None:
    image = recipe.image() or recipe.server.image_id
    if image is None and not recipe.look.faults:
        detail = "The server boots from a volume: name the template to start over from."
        recipe.look.fault("/template", detail, "required")
    arguments = recipe.password() | {"image_id": image}
    begun = recipe.act("REBUILDING", arguments=arguments)
    torn_down = recipe.stage("REBUILDING_BLOCK_DEVICES", begun=begun)
    recipe.settle("SPAWNING", goal=AT_REST, begun=begun, after=torn_down)


def _resize(recipe: Recipe) -> None:
    body, server, lookup = recipe.wish, recipe.server, recipe.look
    ids_only = body.type_id is not None
    pointer = "/type_id" if ids_only else "/type"
    size = lookup.find(
        lookup.facts.flavors,
        body.type_id or body.type or "",
        what="server type",
        pointer=pointer,
        ids_only=ids_only,
    )
    if size is None:
        return
    if size.id == server.flavor_id or size.name == server.flavor_name:
        lookup.fault(pointer, f"Server '{server.name}' has the type '{size.name}' already.")
        return
    # Older clouds do not say how large a server is.
    known = server.vcpus > 0
    step = resize.Resize(
        id=server.id,
        flavor_id=size.id,
        before=server.flavor_id,
        cores=max(0, size.vcpus - server.vcpus) if known else 0,
        memory_mb=max(0, size.memory_mb - server.memory_mb) if known else 0,
    )
    begun = recipe.add(step)
    moved = recipe.settle("MIGRATING", goal=(ServerState.RESIZED,), begun=begun)
    if body.confirm is not False:
        recipe.act("FINALIZING", what=Action.CONFIRM_RESIZE, goal=AT_REST, after=moved)


def _move(recipe: Recipe) -> None:
    server = recipe.server
    live = recipe.wish.live if recipe.wish.live is not None else server.state is not ServerState.STOPPED
    if live and server.state is ServerState.STOPPED:
        recipe.look.fault("/live", f"Server '{server.name}' does not run: it can only be moved cold.")
    if not live and server.state is ServerState.PAUSED:
        recipe.look.fault("/live", f"Server '{server.name}' is paused: it can only be moved live.")
    begun = recipe.add(resize.Move(id=server.id, live=live))
    if live:
        recipe.settle("MIGRATING", goal=(server.state,), begun=begun, proof=True)
        return
    moved = recipe.settle("MIGRATING", goal=(ServerState.RESIZED,), begun=begun)
    recipe.act("FINALIZING", what=Action.CONFIRM_RESIZE, goal=AT_REST, after=moved)


def _shelve(recipe: Recipe) -> None:
    begun = recipe.act("SHELVING")
    imaged = recipe.stage("PREPARING_UPLOAD", begun=begun)
    recipe.settle(
        "UPLOADING", goal=(ServerState.SHELVED, ServerState.SHELVED_OFFLOADED), begun=begun, after=imaged
    )


def _attach_volume(recipe: Recipe) -> None:
    body, server, lookup = recipe.wish, recipe.server, recipe.look
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


def _detach_volume(recipe: Recipe) -> None:
    body, server, lookup = recipe.wish, recipe.server, recipe.look
    own = [attached for attached in lookup.facts.volumes if attached.id in server.volumes]
    detached = lookup.find(own, body.volume or "", what="volume of this server", pointer="/volume")
    if detached is None:
        return
    kept = tuple(id for id in server.volumes if id != detached.id)
    freed = recipe.add(attachment.DetachVolume(server_id=server.id, volume_id=detached.id, beside=kept))
    if body.delete:
        recipe.add(volume.DeleteVolume(id=detached.id), after=freed)


def _attach_port(recipe: Recipe) -> None:
    body, server, lookup = recipe.wish, recipe.server, recipe.look
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
    new = port.RequestedPort(
        network_id=network.id, name=f"{server.name}-{network.name}", fixed_address=body.fixed_ip
    )
    created = recipe.add(port.CreatePorts(wants=(new,)))
    recipe.add(attachment.AttachPort(server_id=server.id, port_id=created["ports", 0, "id"]))


def _detach_port(recipe: Recipe) -> None:
    body, server, lookup = recipe.wish, recipe.server, recipe.look
    if body.port is not None:
        detached = lookup.find(lookup.facts.ports, body.port, what="port of this server", pointer="/port")
    else:
        detached = next(
            (candidate for candidate in lookup.facts.ports if body.fixed_ip in candidate.addresses), None
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


RECIPES: dict[Action, Callable[[Recipe], None]] = {
    **dict.fromkeys(SIMPLE, _simple),
    Action.SNAPSHOT: _image,
    Action.BACKUP: _image,
    Action.UPDATE_PASSWORD: _update_password,
    Action.RESIZE: _resize,
    Action.RESCUE: _rescue,
    Action.REBUILD: _rebuild,
    Action.MOVE: _move,
    Action.SHELVE: _shelve,
    Action.ATTACH_BLOCK_DEVICE: _attach_volume,
    Action.DETACH_BLOCK_DEVICE: _detach_volume,
    Action.ATTACH_NETWORK_INTERFACE: _attach_port,
    Action.DETACH_NETWORK_INTERFACE: _detach_port,
}
"""How each action is planned."""
