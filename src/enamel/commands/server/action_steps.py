"""The recipes: the steps of each action on a server."""

from collections.abc import Callable

from msgspec import Struct

from enamel.commands.server import attachment_steps
from enamel.commands.server.recipe import Recipe
from enamel.model.action import Action
from enamel.model.states import ServerState
from enamel.steps import act, lock, resize, snapshot

AT_REST = (ServerState.ACTIVE, ServerState.STOPPED)


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
    Action.UNLOCK: Simple("UNLOCKING"),
    Action.CONFIRM_RESIZE: Simple("FINALIZING", AT_REST),
    Action.REVERT_RESIZE: Simple("REVERTING_RESIZE", AT_REST),
}
"""The actions that are one call each."""


def _simple(recipe: Recipe) -> None:
    simple = SIMPLE[recipe.request.action]
    recipe.act(simple.word, goal=simple.goal, tells=simple.tells)


def _lock(recipe: Recipe) -> None:
    recipe.add(lock.Lock(id=recipe.server.id, reason=recipe.request.reason))


def _image(recipe: Recipe) -> None:
    body = recipe.request
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
    if image is None and not recipe.lookup.faults:
        detail = "The server boots from a volume: name the template to start over from."
        recipe.lookup.fault("/template", detail, "required")
    arguments = recipe.password() | {"image_id": image}
    begun = recipe.act("REBUILDING", arguments=arguments)
    torn_down = recipe.stage("REBUILDING_BLOCK_DEVICES", begun=begun)
    recipe.settle("SPAWNING", goal=AT_REST, begun=begun, after=torn_down)


def _resize(recipe: Recipe) -> None:
    body, server, lookup = recipe.request, recipe.server, recipe.lookup
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
    live = recipe.request.live if recipe.request.live is not None else server.state is not ServerState.STOPPED
    if live and server.state is ServerState.STOPPED:
        recipe.lookup.fault("/live", f"Server '{server.name}' does not run: it can only be moved cold.")
    if not live and server.state is ServerState.PAUSED:
        recipe.lookup.fault("/live", f"Server '{server.name}' is paused: it can only be moved live.")
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


RECIPES: dict[Action, Callable[[Recipe], None]] = {
    **dict.fromkeys(SIMPLE, _simple),
    Action.LOCK: _lock,
    Action.SNAPSHOT: _image,
    Action.BACKUP: _image,
    Action.UPDATE_PASSWORD: _update_password,
    Action.RESIZE: _resize,
    Action.RESCUE: _rescue,
    Action.REBUILD: _rebuild,
    Action.MOVE: _move,
    Action.SHELVE: _shelve,
    Action.ATTACH_BLOCK_DEVICE: attachment_steps.attach_volume,
    Action.DETACH_BLOCK_DEVICE: attachment_steps.detach_volume,
    Action.ATTACH_NETWORK_INTERFACE: attachment_steps.attach_port,
    Action.DETACH_NETWORK_INTERFACE: attachment_steps.detach_port,
}
"""How each action is planned."""
