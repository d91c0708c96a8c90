"""The command line reaches everything that the API can do: a new route or action has its line here."""

from enamel.api.routes import ROUTES
from enamel.model.action import Action
from tools.reference import cli

REACHED = {
    "create_servers": "server create",
    "list_servers": "server list",
    "get_server": "server show",
    "change_server": "server transfer",
    "terminate_server": "server delete",
    "list_server_tasks": "server history",
    "get_console_log": "server console log",
    "get_console": "server console url",
    "get_diagnostics": "server diagnostics",
    "get_tags": "server tag list",
    "put_tags": "server tag set",
    "delete_tags": "server tag set",
    "put_tag": "server tag add",
    "delete_tag": "server tag remove",
    "list_templates": "template list",
    "list_networks": "network list",
    "list_keypairs": "keypair list",
    "create_keypair": "keypair create",
    "get_keypair": "keypair show",
    "delete_keypair": "keypair delete",
    "list_volumes": "volume list",
    "create_volume": "volume create",
    "get_volume": "volume show",
    "delete_volume": "volume delete",
    "create_volume_snapshot": "volume snapshot",
    "list_volume_snapshots": "volume snapshots",
    "delete_volume_snapshot": "volume delete-snapshot",
    "get_quota": "quota show",
    "list_placements": "placement list",
    "get_placement": "placement show",
    "list_clouds": "cloud list",
    "get_cloud": "cloud show",
    "list_server_types": "server-type list",
    "create_server_type": "server-type create",
    "get_server_type": "server-type show",
    "change_server_type": "server-type set",
    "delete_server_type": "server-type delete",
    "get_type_tags": "server-type tag",
    "put_type_tags": "server-type tag",
    "delete_type_tags": "server-type tag",
    "put_type_tag": "server-type tag",
    "delete_type_tag": "server-type tag",
    "get_shares": "server-type share",
    "put_shares": "server-type share",
    "delete_shares": "server-type share",
    "put_user_share": "server-type share",
    "delete_user_share": "server-type share",
    "put_project_share": "server-type share",
    "delete_project_share": "server-type share",
    "list_addresses": "address list",
    "create_address": "address create",
    "get_address": "address show",
    "delete_address": "address delete",
    "attach_address": "address attach",
    "detach_address": "address detach",
    "list_orphans": "orphans",
    "clean_orphans": "orphans clean",
    "list_tasks": "task list",
    "get_task": "task show",
    "forget_task": "task forget",
    "get_items": "task show",
    "get_events": "task watch",
    "get_plan": "task watch",
    "cancel_task": "task cancel",
    "revert_task": "task revert",
    "restart_task": "task restart",
    "send_signal": "task signal",
    "replay_notifications": "task replay",
    "change_secret": "task secret",
}
"""The command that reaches a route."""
FOR_PROGRAMS = {
    "get_home": "how clients find their way",
    "get_openapi": "how clients are written",
    "list_schemas": "for programs that write clients",
    "get_schema": "for programs that write clients",
    "get_health": "for load balancers",
    "get_metrics": "for Prometheus",
    "head_server": "two headers; people read `server show`",
    "get_server_task": "`task show` shows the same",
    "get_server_task_items": "for programs that write clients",
    "get_project": "links only",
    "create_project_servers": "`server create` does the same",
    "list_project_servers": "`server list` shows the same",
    "get_project_server": "`server show` takes names as well",
}
"""Routes that people do not need, and why."""
ACTIONS = {
    Action.SNAPSHOT: "server snapshot",
    Action.BACKUP: "server snapshot",
    Action.UPDATE_PASSWORD: "server password",
    Action.RESIZE: "server resize",
    Action.CONFIRM_RESIZE: "server resize confirm",
    Action.REVERT_RESIZE: "server resize revert",
    Action.REBOOT: "server reboot",
    Action.HARD_REBOOT: "server reboot",
    Action.PAUSE: "server pause",
    Action.UNPAUSE: "server unpause",
    Action.SUSPEND: "server suspend",
    Action.RESUME: "server resume",
    Action.POWER_OFF: "server stop",
    Action.POWER_ON: "server start",
    Action.RESCUE: "server rescue",
    Action.UNRESCUE: "server unrescue",
    Action.REBUILD: "server rebuild",
    Action.MOVE: "server migrate",
    Action.TERMINATE: "server delete",
    Action.RESTORE: "server restore",
    Action.SHELVE: "server shelve",
    Action.SHELVE_OFFLOAD: "server shelve",
    Action.UNSHELVE: "server unshelve",
    Action.LOCK: "server lock",
    Action.UNLOCK: "server unlock",
    Action.ATTACH_BLOCK_DEVICE: "server add volume",
    Action.DETACH_BLOCK_DEVICE: "server remove volume",
    Action.ATTACH_NETWORK_INTERFACE: "server add network",
    Action.DETACH_NETWORK_INTERFACE: "server remove network",
}


def test_every_route_is_within_reach() -> None:
    routes = {route.name for route in ROUTES} - {"act_on_server"}
    assert routes <= set(REACHED) | set(FOR_PROGRAMS), (
        "these routes have no command: add one, and a line above"
    )
    assert set(FOR_PROGRAMS) <= routes


def test_every_action_is_within_reach() -> None:
    assert set(ACTIONS) == set(Action)


def test_every_command_exists() -> None:
    existing = {context.command_path.removeprefix("enamel ") for context in cli.contexts()}
    routes = {route.name for route in ROUTES}
    named = {command for name, command in REACHED.items() if name in routes} | set(ACTIONS.values())
    assert named <= existing
