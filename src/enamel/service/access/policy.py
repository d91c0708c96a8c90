"""The policy: who may do what. One table, checked by every use case as its first act.

Names, defaults and scopes are written as oslo.policy's registered rules are, so that operators can override them there.
"""

from collections.abc import Awaitable, Collection, Mapping
from typing import TypeVar

from msgspec import Struct

from enamel.model import role
from enamel.model.call_context import CallContext
from enamel.model.errors import CloudForbidden, Forbidden
from enamel.model.role import ADMIN
from enamel.service.access import check

T = TypeVar("T")

READER = "rule:project_reader or rule:admin"
MEMBER = "rule:project_member or rule:admin"
OPERATOR = "rule:admin"
PROJECT = ("project",)
"""The scopes of tokens with which a rule can be met."""


class Rule(Struct, frozen=True, kw_only=True):
    """Who may carry out one use case."""

    name: str
    """`enamel:<resource>:<operation>`."""
    default: str
    """The condition, as a check string in oslo.policy's grammar."""
    sentence: str
    """What it allows."""
    scopes: tuple[str, ...] = PROJECT
    command: str | None = None
    """The command that it allows, where it is one: a task's type."""


def _base(name: str, default: str, sentence: str) -> Rule:
    return Rule(name=name, default=default, sentence=sentence)


def _use(name: str, default: str, sentence: str) -> Rule:
    return Rule(name=f"enamel:{name}", default=default, sentence=sentence)


def _command(name: str, default: str, sentence: str, *, command: str) -> Rule:
    return Rule(name=f"enamel:{name}", default=default, sentence=sentence, command=command)


BASE: tuple[Rule, ...] = (
    _base("admin", f"role:{ADMIN}", "Operators of the deployment."),
    _base(
        "project_reader", "role:reader and project_id:%(project_id)s", "Readers of the resource's project."
    ),
    _base(
        "project_member", "role:member and project_id:%(project_id)s", "Members of the resource's project."
    ),
)
"""The conditions that the rules refer to."""

RULES: tuple[Rule, ...] = (
    # servers
    _use("server:list", READER, "List servers."),
    _use("server:get", READER, "Show a server."),
    _command("server:create", MEMBER, "Launch servers.", command="server.create"),
    _use("server:rename", MEMBER, "Rename a server."),
    _command("server:transfer", MEMBER, "Transfer a server to another project.", command="server.transfer"),
    _command("server:terminate", MEMBER, "Terminate a server.", command="server.terminate"),
    _use("server:history", READER, "List what was done to a server."),
    _use("server:console_log", MEMBER, "Show the console log of a server."),
    _use("server:console_url", MEMBER, "Get the URL of a server's console."),
    _use("server:diagnostics", OPERATOR, "Show the diagnostics of a server."),
    _use("server:list_tags", READER, "Show the tags of a server."),
    _use("server:set_tags", MEMBER, "Set, add and remove tags of a server."),
    # actions on servers
    _command("server:snapshot", MEMBER, "Create an image of a server.", command="server.snapshot"),
    _command("server:backup", MEMBER, "Create a backup image of a server.", command="server.backup"),
    _command(
        "server:update_password",
        MEMBER,
        "Change the administrative password of a server.",
        command="server.update_password",
    ),
    _command("server:resize", MEMBER, "Resize a server.", command="server.resize"),
    _command("server:confirm_resize", MEMBER, "Confirm a resize.", command="server.confirm_resize"),
    _command("server:revert_resize", MEMBER, "Revert a resize.", command="server.revert_resize"),
    _command("server:reboot", MEMBER, "Reboot a server.", command="server.reboot"),
    _command("server:hard_reboot", MEMBER, "Power-cycle a server.", command="server.hard_reboot"),
    _command("server:pause", MEMBER, "Pause a server.", command="server.pause"),
    _command("server:unpause", MEMBER, "Unpause a server.", command="server.unpause"),
    _command("server:suspend", MEMBER, "Suspend a server.", command="server.suspend"),
    _command("server:resume", MEMBER, "Resume a server.", command="server.resume"),
    _command("server:stop", MEMBER, "Stop a server.", command="server.power_off"),
    _command("server:start", MEMBER, "Start a server.", command="server.power_on"),
    _command("server:rescue", MEMBER, "Rescue a server.", command="server.rescue"),
    _command("server:unrescue", MEMBER, "Unrescue a server.", command="server.unrescue"),
    _command("server:rebuild", MEMBER, "Rebuild a server from an image.", command="server.rebuild"),
    _command("server:migrate", OPERATOR, "Migrate a server to another host.", command="server.move"),
    _command("server:restore", MEMBER, "Restore a soft-deleted server.", command="server.restore"),
    _command("server:shelve", MEMBER, "Shelve a server.", command="server.shelve"),
    _command("server:shelve_offload", OPERATOR, "Offload a shelved server.", command="server.shelve_offload"),
    _command("server:unshelve", MEMBER, "Unshelve a server.", command="server.unshelve"),
    _command("server:lock", MEMBER, "Lock a server.", command="server.lock"),
    _command("server:unlock", MEMBER, "Unlock a server.", command="server.unlock"),
    _command(
        "server:attach_volume",
        MEMBER,
        "Attach a volume to a server.",
        command="server.attach_block_device",
    ),
    _command(
        "server:detach_volume",
        MEMBER,
        "Detach a volume from a server.",
        command="server.detach_block_device",
    ),
    _command(
        "server:attach_interface",
        MEMBER,
        "Attach a network interface to a server.",
        command="server.attach_network_interface",
    ),
    _command(
        "server:detach_interface",
        MEMBER,
        "Detach a network interface from a server.",
        command="server.detach_network_interface",
    ),
    # clouds and projects
    _use("cloud:list", READER, "List the clouds and their state."),
    _use("cloud:get", READER, "Show the state of a cloud."),
    _use("project:get", READER, "Show a project."),
    # what a launch chooses from
    _use("template:list", READER, "List images, snapshots of servers and bootable volumes."),
    _use("network:list", READER, "List networks."),
    _use("placement:list", READER, "List placements."),
    _use("placement:get", READER, "Show a placement."),
    _use("quota:get", READER, "Show the quotas of the project."),
    _use("keypair:list", READER, "List keypairs."),
    _use("keypair:get", READER, "Show a keypair."),
    _use("keypair:create", MEMBER, "Import a public key."),
    _use("keypair:delete", MEMBER, "Delete a keypair."),
    # volumes
    _use("volume:list", READER, "List volumes."),
    _use("volume:get", READER, "Show a volume."),
    _command("volume:create", MEMBER, "Create a volume.", command="volume.create"),
    _command("volume:delete", MEMBER, "Delete a volume.", command="volume.delete"),
    _use("volume_snapshot:list", READER, "List the snapshots of a volume."),
    _command("volume_snapshot:create", MEMBER, "Create a snapshot of a volume.", command="volume.snapshot"),
    _command(
        "volume_snapshot:delete",
        MEMBER,
        "Delete a snapshot of a volume.",
        command="volume.delete_snapshot",
    ),
    # addresses
    _use("address:list", READER, "List addresses."),
    _use("address:get", READER, "Show an address."),
    _command("address:create", MEMBER, "Create an address.", command="address.create"),
    _command("address:delete", MEMBER, "Release an address.", command="address.delete"),
    _command("address:attach", MEMBER, "Attach an address to a server.", command="address.attach"),
    _command("address:detach", MEMBER, "Detach an address from its server.", command="address.detach"),
    # orphans
    _use("orphan:list", READER, "List orphans."),
    _command("orphan:clean", MEMBER, "Delete orphans.", command="orphans.clean"),
    # server types
    _use("server_type:list", READER, "List server types."),
    _use("server_type:get", READER, "Show a server type."),
    _use("server_type:create", OPERATOR, "Create a server type."),
    _command("server_type:update", OPERATOR, "Change a server type.", command="server_type.change"),
    _use("server_type:delete", OPERATOR, "Delete a server type."),
    _use("server_type:set_tags", OPERATOR, "Set, add and remove tags of a server type."),
    _use("server_type:list_shares", OPERATOR, "Show which users and projects can use a server type."),
    _use("server_type:share", OPERATOR, "Change which users and projects can use a server type."),
    # tasks
    _use("task:list", READER, "List tasks."),
    _use("task:get", READER, "Show a task, its items, events and plan, and wait for its end."),
    _use("task:cancel", MEMBER, "Cancel a task."),
    _use("task:forget", MEMBER, "Delete the record of an ended task."),
    _command("task:revert", MEMBER, "Undo what an ended task made.", command="task.revert"),
    _command("task:restart", MEMBER, "Restart a failed task.", command="task.restart"),
    _use("task:signal", MEMBER, "Send a message to a step of a task that waits for it."),
    _use("task:webhooks", MEMBER, "Replay webhooks of a task and change their secrets."),
)
"""Every rule, by resource."""

_BY_NAME = {rule.name: rule for rule in RULES}
_BY_COMMAND = {rule.command: rule.name for rule in RULES if rule.command is not None}
_CONDITIONS = {rule.name: rule.default for rule in (*BASE, *RULES)}


def of_command(command: str) -> str:
    """Return the name of the rule that allows a command."""
    return _BY_COMMAND[command]


def enforce(ctx: CallContext, name: str, target: Mapping[str, str] | None = None) -> None:
    """Refuse a use case that the caller may not carry out.

    Args:
        ctx: Who asks.
        name: The rule.
        target: What it is about, by attributes; something of the caller's own project if None.

    Raises:
        Forbidden: The rule does not allow it.
    """
    rule, caller = _BY_NAME[name], ctx.caller
    if caller.local:
        # The one user of a local service acts with their own credentials: the cloud's policy decides.
        return
    own = {"project_id": caller.project_id, "user_id": caller.user_id}
    if not check.evaluate(rule.default, caller, target or own, rules=_CONDITIONS):
        raise Forbidden(
            f"The policy does not allow this: rule '{name}' requires {rule.default}.",
            remedy="Ask the operators of this service for the role.",
            rule=name,
        )


def allows(ctx: CallContext, name: str, *, roles: Collection[str] = ()) -> bool:
    """Tell whether the caller may carry out a use case on what is their own project's, to offer them no other.

    Args:
        ctx: Who asks.
        name: The rule.
        roles: Those of the caller on the cloud, which decide for the one user of a local service.
    """
    if ctx.caller.local:
        return _BY_NAME[name].default != OPERATOR or role.is_admin(roles)
    try:
        enforce(ctx, name)
    except Forbidden:
        return False
    return True


async def requires_admin(call: Awaitable[T], *, what: str = "Changing server types") -> T:
    """Return what a call to a cloud returns; where the cloud forbids it, the error names the role that it requires.

    Raises:
        Forbidden: The caller lacks the role.
    """
    try:
        return await call
    except CloudForbidden as error:
        raise Forbidden(
            f"{what} requires the role '{ADMIN}' on the cloud. It answered: {error.detail}",
            remedy=f"Ask the cloud's operators for the role '{ADMIN}'.",
            role=ADMIN,
        ) from error
