"""The action: what can be done to an existing server, which fields it needs, and in which states it is possible."""

import enum
from collections.abc import Collection
from typing import Annotated

from msgspec import Meta, Struct, field, structs

from enamel.model import cloud
from enamel.model.errors import Fault
from enamel.model.states import ServerActivity, ServerState


class Action(enum.Enum):
    """What can be done to a server."""

    SNAPSHOT = "SNAPSHOT"
    BACKUP = "BACKUP"
    UPDATE_PASSWORD = "UPDATE_PASSWORD"  # noqa: S105 - a word, no secret
    RESIZE = "RESIZE"
    CONFIRM_RESIZE = "CONFIRM_RESIZE"
    REVERT_RESIZE = "REVERT_RESIZE"
    REBOOT = "REBOOT"
    HARD_REBOOT = "HARD_REBOOT"
    PAUSE = "PAUSE"
    UNPAUSE = "UNPAUSE"
    SUSPEND = "SUSPEND"
    RESUME = "RESUME"
    POWER_OFF = "POWER_OFF"
    POWER_ON = "POWER_ON"
    RESCUE = "RESCUE"
    UNRESCUE = "UNRESCUE"
    REBUILD = "REBUILD"
    MOVE = "MOVE"
    TERMINATE = "TERMINATE"
    RESTORE = "RESTORE"
    SHELVE = "SHELVE"
    SHELVE_OFFLOAD = "SHELVE_OFFLOAD"
    UNSHELVE = "UNSHELVE"
    LOCK = "LOCK"
    UNLOCK = "UNLOCK"
    ATTACH_BLOCK_DEVICE = "ATTACH_BLOCK_DEVICE"
    DETACH_BLOCK_DEVICE = "DETACH_BLOCK_DEVICE"
    ATTACH_NETWORK_INTERFACE = "ATTACH_NETWORK_INTERFACE"
    DETACH_NETWORK_INTERFACE = "DETACH_NETWORK_INTERFACE"

    @property
    def command(self) -> str:
        """Return the name of the command that does it."""
        return f"server.{self.value.lower()}"


Text = Annotated[str, Meta(min_length=1, max_length=255)]


class ActionRequest(Struct, frozen=True, kw_only=True):
    """An action on a server; each action takes its own few of the fields."""

    action: Action
    """What is to be done."""
    type: Text | None = None
    """RESIZE: the server type, by name or id."""
    type_id: Text | None = None
    """RESIZE: the server type, by id."""
    confirm: bool | None = None
    """RESIZE: false leaves the server RESIZED, to be kept with CONFIRM_RESIZE or given up with REVERT_RESIZE."""
    template: Text | None = None
    """REBUILD, RESCUE: the image to start from, by name or id; the present one where not given."""
    template_id: Text | None = None
    """REBUILD, RESCUE: the image to start from, by id."""
    name: Text | None = None
    """SNAPSHOT, BACKUP: what the image is called. ATTACH_BLOCK_DEVICE: what a new volume is called."""
    kind: Text | None = None
    """BACKUP: which series it belongs to, for example `daily`."""
    keep: Annotated[int, Meta(ge=1, le=1000)] | None = None
    """BACKUP: how many of its series are kept; older ones are deleted."""
    password: Text | None = None
    """UPDATE_PASSWORD, REBUILD, RESCUE: the administrator's password; it is in no record."""
    reason: Text | None = None
    """LOCK: why, for those who find it locked."""
    live: bool | None = None
    """MOVE: whether it goes on running meanwhile; chosen by its state where not given."""
    volume: Text | None = None
    """ATTACH_BLOCK_DEVICE, DETACH_BLOCK_DEVICE: an existing volume, by name or id."""
    size_gb: Annotated[int, Meta(ge=1, le=65536)] | None = None
    """ATTACH_BLOCK_DEVICE: the size of a new volume."""
    volume_type: Text | None = None
    """ATTACH_BLOCK_DEVICE: the type of a new volume."""
    delete_with_server: bool | None = None
    """ATTACH_BLOCK_DEVICE: whether the volume goes when the server goes."""
    delete: bool | None = None
    """DETACH_BLOCK_DEVICE: whether the volume is deleted once it is free."""
    network: Text | None = None
    """ATTACH_NETWORK_INTERFACE: the network on which a port is made, by name or id."""
    fixed_ip: Text | None = None
    """ATTACH_NETWORK_INTERFACE: the address of a new port. DETACH_NETWORK_INTERFACE: the address that goes."""
    port: Text | None = None
    """ATTACH_NETWORK_INTERFACE, DETACH_NETWORK_INTERFACE: an existing port, by name or id."""
    along: str | None = field(name="with", default=None)
    """TERMINATE: `everything`, `nothing`, or a list of `addresses`, `volumes`, `ports`."""


class Rule(Struct, frozen=True, kw_only=True):
    """What one action needs."""

    states: frozenset[ServerState]
    """The states in which it is possible while the cloud leaves the server alone."""
    one_of: tuple[str, ...] = ()
    """Fields of which exactly one must be given."""
    required: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    """Fields that may be given, too."""
    locked: bool = False
    """Whether it is possible on a server that is locked."""
    busy: frozenset[ServerActivity] | None = frozenset()
    """What the cloud may be doing to the server meanwhile; None means anything."""

    @property
    def fields(self) -> tuple[str, ...]:
        """Return all fields that it takes."""
        return self.one_of + self.required + self.takes


_S = ServerState
_RUNNING = frozenset({_S.ACTIVE})
_RESTING = frozenset({_S.ACTIVE, _S.STOPPED, _S.PAUSED, _S.SUSPENDED})
_STOPPABLE = frozenset({_S.ACTIVE, _S.ERROR})
_MENDABLE = frozenset({_S.ACTIVE, _S.STOPPED, _S.ERROR})
_RESIZED = frozenset({_S.RESIZED})
_SHELVED = frozenset({_S.SHELVED, _S.SHELVED_OFFLOADED})
_PLUGGABLE = frozenset({_S.ACTIVE, _S.STOPPED, _S.PAUSED})
_REBOOTING = frozenset({ServerActivity.REBOOTING})
_ANY = frozenset(_S) - {_S.SOFT_DELETED, _S.DELETED}
_IMAGE = ("template", "template_id")

RULES: dict[Action, Rule] = {
    Action.SNAPSHOT: Rule(states=_RESTING, required=("name",), locked=True),
    Action.BACKUP: Rule(states=_RESTING, required=("name", "kind", "keep"), locked=True),
    Action.UPDATE_PASSWORD: Rule(states=_RUNNING, required=("password",)),
    Action.RESIZE: Rule(
        states=frozenset({_S.ACTIVE, _S.STOPPED}), one_of=("type", "type_id"), takes=("confirm",)
    ),
    Action.CONFIRM_RESIZE: Rule(states=_RESIZED),
    Action.REVERT_RESIZE: Rule(states=_RESIZED),
    Action.REBOOT: Rule(states=_RUNNING),
    Action.HARD_REBOOT: Rule(states=_RESTING | {_S.ERROR}, busy=_REBOOTING),
    Action.PAUSE: Rule(states=_RUNNING),
    Action.UNPAUSE: Rule(states=frozenset({_S.PAUSED})),
    Action.SUSPEND: Rule(states=_RUNNING),
    Action.RESUME: Rule(states=frozenset({_S.SUSPENDED})),
    Action.POWER_OFF: Rule(states=_STOPPABLE),
    Action.POWER_ON: Rule(states=frozenset({_S.STOPPED})),
    Action.RESCUE: Rule(states=_MENDABLE, takes=(*_IMAGE, "password")),
    Action.UNRESCUE: Rule(states=frozenset({_S.RESCUED})),
    Action.REBUILD: Rule(states=_MENDABLE, takes=(*_IMAGE, "password")),
    Action.MOVE: Rule(states=_PLUGGABLE, takes=("live",)),
    Action.TERMINATE: Rule(states=_ANY, takes=("along",), busy=None),
    Action.RESTORE: Rule(states=frozenset({_S.SOFT_DELETED})),
    Action.SHELVE: Rule(states=_RESTING),
    Action.SHELVE_OFFLOAD: Rule(states=frozenset({_S.SHELVED})),
    Action.UNSHELVE: Rule(states=_SHELVED),
    Action.LOCK: Rule(states=_ANY, takes=("reason",), locked=True, busy=None),
    Action.UNLOCK: Rule(states=_ANY, locked=True, busy=None),
    Action.ATTACH_BLOCK_DEVICE: Rule(
        states=_PLUGGABLE | _SHELVED | _RESIZED,
        one_of=("volume", "size_gb"),
        takes=("name", "volume_type", "delete_with_server"),
    ),
    Action.DETACH_BLOCK_DEVICE: Rule(
        states=_PLUGGABLE | _SHELVED | _RESIZED, required=("volume",), takes=("delete",)
    ),
    Action.ATTACH_NETWORK_INTERFACE: Rule(states=_PLUGGABLE, one_of=("network", "port"), takes=("fixed_ip",)),
    Action.DETACH_NETWORK_INTERFACE: Rule(states=_PLUGGABLE, one_of=("port", "fixed_ip")),
}
"""What each action needs; the states are those in which Nova does not refuse it."""

NAMES = {one.name: one.encode_name for one in structs.fields(ActionRequest)}
"""Of each field, what it is called in a request."""


def possible(server: cloud.Server, *, offered: Collection[Action]) -> tuple[Action, ...]:
    """Return the actions that a server's present state allows, of those that its cloud offers."""
    return tuple(action for action, rule in RULES.items() if action in offered and _allows(rule, server))


def _allows(rule: Rule, server: cloud.Server) -> bool:
    if (rule is RULES[Action.LOCK] and server.locked) or (rule is RULES[Action.UNLOCK] and not server.locked):
        return False
    if server.locked and not rule.locked:
        return False
    if server.activity is not None:
        return rule.busy is None or server.activity in rule.busy
    return server.state in rule.states


def faults(request: ActionRequest) -> list[Fault]:
    """Return what is wrong with an action's fields: foreign ones, and those that are missing."""
    rule, word = RULES[request.action], request.action.value
    given = [name for name in NAMES if name != "action" and getattr(request, name) is not None]
    listed = ", ".join(NAMES[name] for name in rule.fields)
    takes = f"it takes {listed}" if listed else "it takes none"
    problems = [
        Fault(
            pointer=f"/{NAMES[name]}",
            detail=f"{word} has no field '{NAMES[name]}'; {takes}.",
            code="unknown_field",
        )
        for name in given
        if name not in rule.fields
    ]
    problems += [
        Fault(pointer=f"/{NAMES[name]}", detail=f"{word} needs the field '{NAMES[name]}'.", code="required")
        for name in rule.required
        if name not in given
    ]
    chosen = [name for name in rule.one_of if name in given]
    if rule.one_of and len(chosen) != 1:
        either = " or ".join(f"'{NAMES[name]}'" for name in rule.one_of)
        detail = f"{word} needs {either}, and just one of them."
        problems.append(Fault(pointer=f"/{NAMES[rule.one_of[0]]}", detail=detail, code="required"))
    return problems
