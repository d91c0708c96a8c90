"""Actions on servers: one table of which action is allowed in which state."""

from __future__ import annotations

from typing import Any, NamedTuple

from enamel.sandbox import guests, http, kernel
from enamel.sandbox.compute import deletion, guard, image, network, power, resize, shelve, work
from enamel.sandbox.compute import schema as compute_schema
from enamel.sandbox.compute import server as compute_server

RESTING = frozenset({"active", "stopped", "paused", "suspended"})


class Rule(NamedTuple):
    """One line of the table of actions."""

    act: guard.Act
    """What carries it out."""
    states: frozenset[str] | None = None
    """The vm_states it is allowed in; None allows all."""
    busy: bool = False
    """Whether it is allowed while another task runs."""
    admin: str = ""
    """The policy that keeps it to admins, where one does."""
    log: str = ""
    """Its name in the action log; empty leaves it out."""
    lock: bool = True
    """Whether a lock forbids it."""


def run(request: http.Request) -> kernel.Reply:
    """Find the action in the body, check lock and state, and carry it out."""
    body = request.body()
    if len(body) != 1:
        raise kernel.Refusal(400, "Malformed request body")
    (name,) = body
    rule = ACTIONS.get(name)
    if rule is None:
        raise kernel.Refusal(400, f"There is no such action: {name}")
    if name in _CHECKERS:
        compute_schema.check(body, _CHECKERS[name])
    if rule.admin and not request.caller.admin:
        raise kernel.Refusal(403, f"Policy doesn't allow {rule.admin} to be performed.")
    server = request.cloud.compute.find(request.caller, request.params["id"])
    guard.check(
        request, server, name=name.removeprefix("os-"), states=rule.states, busy=rule.busy, lock=rule.lock
    )
    if rule.log:
        work.log(server, request, name=rule.log)
    return rule.act(request, server, body[name])


def _console_output(request: http.Request, server: compute_server.Server, asked: Any) -> kernel.Reply:
    """Answer with the end of the console log."""
    if server.host is None or server.launched is None:
        raise kernel.Refusal(409, f"Instance {server.id} is not ready")
    lines = guests.console(server).splitlines()
    length = asked.get("length")
    if length is not None and int(length) >= 0:
        lines = lines[len(lines) - min(int(length), len(lines)) :]
    return kernel.Reply(body={"output": "\n".join(lines)})


def _restore(request: http.Request, server: compute_server.Server, _: Any) -> kernel.Reply:
    """Restore a soft-deleted server, if the quota allows it."""
    request.cloud.compute.afford(
        server.project_id, instances=1, cores=server.flavor.vcpus, ram=server.flavor.ram
    )
    deletion.restore(request.cloud, server)
    return guard.ACCEPTED


def _force_delete(request: http.Request, server: compute_server.Server, _: Any) -> kernel.Reply:
    """Delete a server for good."""
    deletion.destroy(request.cloud, server)
    return guard.ACCEPTED


def _group(*, add: bool) -> guard.Act:
    """Return the action that adds a security group to a server, or takes it away."""

    def act(request: http.Request, server: compute_server.Server, asked: Any) -> kernel.Reply:
        request.cloud.network.change_group(request.caller, server_id=server.id, group=asked["name"], add=add)
        request.cloud.guests.touch(server.id)
        return guard.ACCEPTED

    return act


def _reset(request: http.Request, server: compute_server.Server, asked: Any) -> kernel.Reply:
    """Set a server's state to active or error."""
    server.epoch += 1
    work.mark(request.cloud, server, vm_state=asked["state"], task_state=None)
    return guard.ACCEPTED


def _console(kind: str) -> guard.Act:
    """Return one of the console actions that 2.6 removed."""

    def act(request: http.Request, server: compute_server.Server, asked: Any) -> kernel.Reply:
        if request.version >= (2, 6):
            raise kernel.Refusal(404, "The resource could not be found.")
        url = f"http://127.0.0.1:6080/vnc_lite.html?path=%3Ftoken%3D{request.cloud.new_id()}"
        return kernel.Reply(body={"console": {"type": asked.get("type", kind), "url": url}})

    return act


def _maybe(schema: compute_schema.Schema) -> compute_schema.Schema:
    """Return the schema of an object that may also be null."""
    return {**schema, "type": ["object", "null"]}


_SCHEMAS: dict[str, compute_schema.Schema] = {
    "reboot": compute_schema.obj(("type",), type={"enum": ["HARD", "Hard", "hard", "SOFT", "Soft", "soft"]}),
    "resize": compute_schema.obj(
        ("flavorRef",),
        **{
            "flavorRef": {"type": ["string", "integer"], "minLength": 1},
            "OS-DCF:diskConfig": compute_schema.DISK_CONFIG,
        },
    ),
    "rebuild": compute_schema.obj(
        ("imageRef",),
        more=True,
        imageRef=compute_schema.UUID,
        name=compute_schema.NAME,
        adminPass=compute_schema.TEXT,
        metadata=compute_schema.METADATA,
        description=compute_schema.DESCRIPTION,
        key_name=compute_schema.NULLABLE,
        user_data=compute_schema.NULLABLE,
    ),
    "createImage": compute_schema.obj(("name",), name=compute_schema.NAME, metadata=compute_schema.METADATA),
    "createBackup": compute_schema.obj(
        ("name", "backup_type", "rotation"),
        name=compute_schema.NAME,
        backup_type=compute_schema.TEXT,
        rotation=compute_schema.COUNT,
        metadata=compute_schema.METADATA,
    ),
    "changePassword": compute_schema.obj(("adminPass",), adminPass=compute_schema.TEXT),
    "rescue": _maybe(compute_schema.obj(adminPass=compute_schema.TEXT, rescue_image_ref=compute_schema.UUID)),
    "lock": _maybe(compute_schema.obj(locked_reason={**compute_schema.NAME})),
    "unshelve": _maybe(
        compute_schema.obj(availability_zone=compute_schema.NULLABLE, host=compute_schema.TEXT)
    ),
    "os-getConsoleOutput": compute_schema.obj(
        length={"type": ["integer", "string", "null"], "pattern": "^-?[0-9]+$", "minimum": -1}
    ),
    "addSecurityGroup": compute_schema.obj(("name",), more=True, name=compute_schema.NAME),
    "removeSecurityGroup": compute_schema.obj(("name",), more=True, name=compute_schema.NAME),
    "os-resetState": compute_schema.obj(("state",), state={"enum": ["active", "error"]}),
}
_CHECKERS = {
    name: compute_schema.checker(compute_schema.obj((name,), **{name: schema}))
    for name, schema in _SCHEMAS.items()
}

ACTIVE = frozenset({"active"})
ACTIONS: dict[str, Rule] = {
    "reboot": Rule(power.reboot, frozenset({"active", "stopped", "paused", "suspended", "error"}), busy=True),
    "os-start": Rule(power.simple("powering-on", vm_state="active", power=compute_server.RUNNING), frozenset({"stopped"}), log="start"),
    "os-stop": Rule(power.simple("powering-off", vm_state="stopped", power=compute_server.SHUTDOWN), frozenset({"active", "error"}), log="stop"),
    "pause": Rule(power.simple("pausing", vm_state="paused", power=compute_server.PAUSED), ACTIVE, log="pause"),
    "unpause": Rule(power.simple("unpausing", vm_state="active", power=compute_server.RUNNING), frozenset({"paused"}), log="unpause"),
    "suspend": Rule(power.simple("suspending", vm_state="suspended", power=compute_server.SHUTDOWN), ACTIVE, log="suspend"),
    "resume": Rule(power.simple("resuming", vm_state="active", power=compute_server.RUNNING), frozenset({"suspended"}), log="resume"),
    "lock": Rule(power.lock, busy=True, lock=False, log="lock"),
    "unlock": Rule(power.unlock, busy=True, lock=False, log="unlock"),
    "rescue": Rule(power.rescue, frozenset({"active", "stopped", "error"}), log="rescue"),
    "unrescue": Rule(power.simple("unrescuing", vm_state="active", power=compute_server.RUNNING), frozenset({"rescued"}), log="unrescue"),
    "resize": Rule(resize.resize, frozenset({"active", "stopped"}), log="resize"),
    "confirmResize": Rule(resize.confirm, frozenset({"resized"}), log="confirmResize"),
    "revertResize": Rule(resize.revert, frozenset({"resized"}), log="revertResize"),
    "shelve": Rule(shelve.shelve, RESTING, log="shelve"),
    "shelveOffload": Rule(shelve.offload, frozenset({"shelved"}), admin="os_compute_api:os-shelve:shelve_offload", log="shelveOffload"),
    "unshelve": Rule(shelve.unshelve, frozenset({"shelved", "shelved_offloaded"}), log="unshelve"),
    "rebuild": Rule(image.rebuild, frozenset({"active", "stopped", "error"})),
    "createImage": Rule(image.create_image, RESTING, lock=False),
    "createBackup": Rule(image.create_backup, RESTING, lock=False),
    "changePassword": Rule(power.password, ACTIVE, log="changePassword"),
    "os-getConsoleOutput": Rule(_console_output, busy=True, lock=False),
    "os-getVNCConsole": Rule(_console("novnc"), busy=True, lock=False),
    "restore": Rule(_restore, frozenset({"soft-delete"}), log="restore"),
    "forceDelete": Rule(_force_delete, busy=True, log="delete"),
    "migrate": Rule(resize.migrate, frozenset({"active", "stopped"}), admin="os_compute_api:os-migrate-server:migrate", log="migrate"),
    "os-migrateLive": Rule(resize.live_migrate, frozenset({"active", "paused"}), admin="os_compute_api:os-migrate-server:migrate_live", log="live-migration"),
    "addSecurityGroup": Rule(_group(add=True), busy=True, lock=False),
    "removeSecurityGroup": Rule(_group(add=False), busy=True, lock=False),
    "addFloatingIp": Rule(network.associate(put=True), busy=True, lock=False),
    "removeFloatingIp": Rule(network.associate(put=False), busy=True, lock=False),
    "os-resetState": Rule(_reset, busy=True, lock=False, admin="os_compute_api:os-admin-actions:reset_state"),
}  # fmt: skip
"""The actions on a server."""
