"""`server.reboot`, `server.resize` and the other actions on existing servers."""

from collections.abc import Mapping
from typing import Any

from enamel.commands import quota
from enamel.commands.command import Command, CommandRequest, Planned
from enamel.commands.facts import Facts, FactsNeeded
from enamel.commands.lookup import Lookup
from enamel.commands.server import action_steps
from enamel.commands.server.recipe import Recipe
from enamel.flow import task_view
from enamel.flow.draft import Draft
from enamel.model import action
from enamel.model.action import Action, ActionRequest
from enamel.model.cloud import Server
from enamel.model.errors import ActionImpossible, Fault, WrongState

SUMMARIES: dict[Action, str] = {
    Action.SNAPSHOT: "Create an image of a server, and wait until it can be booted.",
    Action.BACKUP: "Create an image of a server as one of a series, of which the oldest are deleted.",
    Action.UPDATE_PASSWORD: "Change the administrator's password inside a server.",
    Action.RESIZE: "Resize a server, and confirm it.",
    Action.CONFIRM_RESIZE: "Confirm the resize of a server.",
    Action.REVERT_RESIZE: "Revert the resize of a server.",
    Action.REBOOT: "Reboot a server.",
    Action.HARD_REBOOT: "Reboot a server by a power cycle.",
    Action.PAUSE: "Pause a server, in memory.",
    Action.UNPAUSE: "Unpause a server.",
    Action.SUSPEND: "Suspend a server, to disk.",
    Action.RESUME: "Resume a suspended server.",
    Action.POWER_OFF: "Shut a server down.",
    Action.POWER_ON: "Start a server that was shut down.",
    Action.RESCUE: "Start a server from a rescue image.",
    Action.UNRESCUE: "Start a rescued server from its own disk again.",
    Action.REBUILD: "Rebuild a server from an image; its addresses and volumes stay.",
    Action.MOVE: "Migrate a server to another host, and confirm it.",
    Action.RESTORE: "Restore a soft-deleted server.",
    Action.SHELVE: "Shelve a server as an image.",
    Action.SHELVE_OFFLOAD: "Offload a shelved server from its host.",
    Action.UNSHELVE: "Unshelve a server.",
    Action.LOCK: "Lock a server against actions.",
    Action.UNLOCK: "Unlock a server.",
    Action.ATTACH_BLOCK_DEVICE: "Attach a volume to a server, an existing or a new one.",
    Action.DETACH_BLOCK_DEVICE: "Detach a volume from a server.",
    Action.ATTACH_NETWORK_INTERFACE: "Attach a network interface to a server.",
    Action.DETACH_NETWORK_INTERFACE: "Detach a network interface from a server.",
}
"""What each action does; TERMINATE is a command of its own."""


def ask(request: CommandRequest) -> FactsNeeded:
    """Return what has to be known: the server, and what the action names."""
    body: ActionRequest = request.body
    what = body.action
    return FactsNeeded(
        server=request.params["server"],
        named={
            kind: frozenset({text})
            for kind, text in (
                ("flavors", body.type_id or body.type),
                ("images", body.template_id or body.template),
                ("volumes", body.volume),
                ("volume_types", body.volume_type),
                ("networks", body.network),
            )
            if isinstance(text, str)
        },
        flavors=what is Action.RESIZE,
        images=body.template is not None or body.template_id is not None,
        volumes=body.volume is not None,
        volume_types=body.volume_type is not None,
        networks=body.network is not None,
        subnets=body.network is not None and body.fixed_ip is not None,
        ports=frozenset({body.port})
        if body.port and what is Action.ATTACH_NETWORK_INTERFACE
        else frozenset(),
        interfaces=what is Action.DETACH_NETWORK_INTERFACE,
        quota=_quotas(body),
    )


def _quotas(body: ActionRequest) -> frozenset[str]:
    """Return the quotas that an action may use up."""
    if body.action is Action.RESIZE:
        return frozenset({"cores", "memory_mb"})
    if body.action is Action.ATTACH_BLOCK_DEVICE and body.size_gb is not None:
        return quota.VOLUMES
    if body.action is Action.ATTACH_NETWORK_INTERFACE and body.network is not None:
        return frozenset({"ports"})
    return frozenset()


def plan(request: CommandRequest, facts: Facts) -> Planned:
    """Return the plan of an action.

    Raises:
        ActionImpossible: The server's state does not allow it.
        WrongState: Another task is at work on the server, and the cloud would refuse a second one.
    """
    if facts.server is None:
        raise AssertionError("the facts of an action have the server")
    body: ActionRequest = request.body
    wrong = action.faults(body)
    check(body.action, facts)
    draft, lookup = Draft(), Lookup(facts)
    recipe = Recipe(draft, server=facts.server, request=body, lookup=lookup)
    if not wrong:
        action_steps.RECIPES[body.action](recipe)
    group = task_view.there(facts.server, on=facts.cloud, region=facts.identity.region)
    return Planned(
        plan=draft.plan(groups=(group,)),
        faults=(*wrong, *lookup.faults),
        secrets=recipe.secrets,
    )


def check(what: Action, facts: Facts) -> None:
    """Check an action against the server's state.

    Raises:
        ActionImpossible, WrongState: It is not possible now.
    """
    server = facts.server
    if server is None:
        return
    possible = [doable.value for doable in action.possible(server, offered=facts.actions)]
    rule = action.RULES[what]
    busy = facts.unfinished[0] if facts.unfinished and rule.busy is not None else None
    if busy is not None and what is not Action.HARD_REBOOT:
        raise WrongState(
            f"Task {busy.id} ({busy.action}) is at work on server '{server.name}'; {what.value} has to wait for its end.",
            remedy="Wait for that task, or cancel it.",
            task=busy.id,
            possible=possible,
        )
    if what.value in possible:
        return
    why = _obstacle(what, facts, server)
    detail = f"Server '{server.name}' cannot do {what.value} now: {why}. Possible now: {', '.join(possible) or 'none'}."
    locked = server.locked and not rule.locked and Action.UNLOCK.value in possible
    raise ActionImpossible(
        detail,
        faults=(Fault(pointer="/action", detail=detail, code="impossible"),),
        remedy="Unlock the server first." if locked else None,
        server=server.name,
        why=why,
        possible=possible,
        state=server.state.value,
    )


def _obstacle(what: Action, facts: Facts, server: Server) -> str:
    """Return why a server cannot do something now."""
    if what not in facts.actions:
        return f"cloud '{facts.cloud}' does not offer it"
    if server.locked and not action.RULES[what].locked:
        return "it is locked" + (f" (reason: {server.locked_reason})" if server.locked_reason else "")
    if server.activity is not None:
        return f"the cloud is at work on it ({server.activity.value})"
    return f"its state is {server.state.value}" + (" and it is not locked" if what is Action.UNLOCK else "")


def blank(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Remove the password from a request."""
    return {name: "***" if name == "password" and value else value for name, value in data.items()}


COMMANDS: dict[str, Command] = {
    what.command: Command(
        name=what.command,
        action=what.value,
        summary=summary,
        body=ActionRequest,
        ask=ask,
        planner=plan,
        blank=blank,
    )
    for what, summary in SUMMARIES.items()
}
"""A command for each action."""
