"""The names of steps on screen: what a step does to which resource, such as `create port` and `wait for volume`."""

from collections.abc import Mapping
from typing import Any

NAMES = {
    "address.create": "attach address",
    "address.delete": "delete address",
    "address.free": "detach address",
    "address.move": "attach address",
    "address.release": "delete address",
    "address.reserve": "create address",
    "image.await": "wait for image",
    "image.take": "create image",
    "keypair.import": "import keypair",
    "network.auto": "create network",
    "orphan.remove": "remove orphan",
    "port.create": "create port",
    "port.delete": "delete port",
    "port.find": "wait for port",
    "security_group.create": "create security group",
    "security_group.delete": "delete security group",
    "security_group.release": "delete security group",
    "server.attach_port": "attach port",
    "server.attach_volume": "attach volume",
    "server.await_active": "wait for server",
    "server.boot": "create server",
    "server.delete": "delete server",
    "server.detach_port": "detach port",
    "server.detach_volume": "detach volume",
    "server.host_keys": "read host keys",
    "server.lock": "lock server",
    "server.move": "migrate server",
    "server.pass": "wait for server",
    "server.resize": "resize server",
    "server.settle": "wait for server",
    "server_group.create": "create server group",
    "server_group.release": "delete server group",
    "server_type.change": "change server type",
    "signal.await": "wait for signal",
    "transfer.drop_image": "delete image",
    "transfer.end_original": "delete original server",
    "transfer.share_image": "share image",
    "transfer.stop": "stop server",
    "transfer.unplug": "detach volume",
    "transfer.volume": "transfer volume",
    "volume.await": "wait for volume",
    "volume.create": "create volume",
    "volume.delete": "delete volume",
    "volume_snapshot.await": "wait for snapshot",
    "volume_snapshot.create": "create snapshot",
    "volume_snapshot.delete": "delete snapshot",
}
"""The name of each kind of step."""
_OPPOSITES = {
    "attach": "detach",
    "create": "delete",
    "detach": "attach",
    "import": "delete",
    "lock": "unlock",
    "stop": "start",
}
"""The verb that undoes a verb."""
_UNDONE = {"address.create": "delete address", "address.move": "detach address"}
"""The names of steps that undo others, if no verb says it."""


def of(node: Mapping[str, Any]) -> str:
    """Return the name of a step of a plan."""
    kind, inputs = node.get("kind"), node.get("inputs") or {}
    match kind:
        case "server.act":
            return f"{words(inputs['what'])} server"
        case "server.reach":
            return f"wait for {inputs['ready_when']}"
        case "task.undo":
            return undone(inputs["of"])
    return NAMES.get(str(kind)) or words(node.get("action") or "step")


def undone(kind: str) -> str:
    """Return the name of the step that undoes a step of some kind."""
    if kind in _UNDONE:
        return _UNDONE[kind]
    verb, _, noun = NAMES.get(kind, words(kind)).partition(" ")
    return f"{_OPPOSITES[verb]} {noun}" if verb in _OPPOSITES else f"undo {verb} {noun}"


def words(constant: str) -> str:
    """Return a constant as words: `CREATING_VOLUME` is `creating volume`."""
    return constant.replace("_", " ").replace(".", " ").lower()
