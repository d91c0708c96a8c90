"""Actions on servers: one table of what may be done in which state and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from enamel.sandbox import (
    compute,
    compute_create,
    compute_schema,
    compute_view,
    compute_work,
    guests,
    kernel,
)

Act = Callable[[kernel.Request, compute.Server, Any], kernel.Reply]
ACCEPTED = kernel.Reply(status=202)
RESTING = frozenset({"active", "stopped", "paused", "suspended"})


class Rule(NamedTuple):
    """One line of the table of actions."""

    act: Act
    """What is done."""
    states: frozenset[str] | None = None
    """The lasting states it is allowed in; None allows all."""
    busy: bool = False
    """Whether it is allowed while another task runs."""
    admin: str = ""
    """The policy that keeps it to admins, where one does."""
    log: str = ""
    """Its name in the action log; empty leaves it out."""
    lock: bool = True
    """Whether a lock forbids it."""


def run(request: kernel.Request) -> kernel.Reply:
    """Find the action in the body, check lock and state, and do it."""
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
    check(request, server, name=name.removeprefix("os-"), states=rule.states, busy=rule.busy, lock=rule.lock)
    if rule.log:
        compute_work.log(server, request, name=rule.log)
    return rule.act(request, server, body[name])


def check(
    request: kernel.Request,
    server: compute.Server,
    *,
    name: str,
    states: frozenset[str] | None,
    busy: bool = False,
    lock: bool = True,
) -> None:
    """Refuse what a lock or the server's state forbids."""
    if lock and server.locked_by is not None and not request.caller.admin:
        raise kernel.Refusal(409, f"Instance {server.id} is locked")
    if states is not None and server.vm_state not in states:
        raise _conflict(server, name, f"vm_state {server.vm_state}")
    if not busy and server.task_state is not None:
        raise _conflict(server, name, f"task_state {server.task_state}")


def _conflict(server: compute.Server, name: str, where: str) -> kernel.Refusal:
    """Return the refusal of an action in the wrong state."""
    return kernel.Refusal(409, f"Cannot '{name}' instance {server.id} while it is in {where}")


def _simple(
    task: str,
    *,
    vm_state: str | None = None,
    power: int | None = None,
) -> Act:
    """Return an action that keeps the server busy for a while and settles it in a state."""

    def act(request: kernel.Request, server: compute.Server, _: Any) -> kernel.Reply:
        compute_work.work(request.cloud, server, task=task, vm_state=vm_state, power=power)
        return ACCEPTED

    return act


def _reboot(request: kernel.Request, server: compute.Server, asked: Any) -> kernel.Reply:
    """Restart a server, softly only when it runs."""
    if asked["type"].upper() == "SOFT":
        check(request, server, name="reboot", states=frozenset({"active"}))
        task = "rebooting"
    else:
        hard = frozenset({"rebooting", None})
        if server.task_state not in hard:
            raise _conflict(server, "reboot", f"task_state {server.task_state}")
        task = "rebooting_hard"
        server.epoch += 1
    compute_work.log(server, request, name="reboot")
    compute_work.work(request.cloud, server, task=task, vm_state="active", power=compute.RUNNING)
    return ACCEPTED


def _lock(request: kernel.Request, server: compute.Server, asked: Any) -> kernel.Reply:
    """Protect a server from its owner's mistakes."""
    server.locked_by = "admin" if request.caller.admin else "owner"
    server.locked_reason = (asked or {}).get("locked_reason")
    server.updated = request.cloud.now()
    return ACCEPTED


def _unlock(request: kernel.Request, server: compute.Server, _: Any) -> kernel.Reply:
    """Take the protection away; what an admin locked only an admin unlocks."""
    if server.locked_by == "admin" and not request.caller.admin:
        raise kernel.Refusal(
            403, "Policy doesn't allow os_compute_api:os-lock-server:unlock:unlock_override to be performed."
        )
    server.locked_by = server.locked_reason = None
    server.updated = request.cloud.now()
    return ACCEPTED


def _rescue(request: kernel.Request, server: compute.Server, asked: Any) -> kernel.Reply:
    """Start a server from another image."""
    password = (asked or {}).get("adminPass") or request.cloud.new_hex()[:12]
    compute_work.work(request.cloud, server, task="rescuing", vm_state="rescued", power=compute.RUNNING)
    return kernel.Reply(body={"adminPass": password})


def _resize(request: kernel.Request, server: compute.Server, asked: Any) -> kernel.Reply:
    """Give a server another flavor, to be confirmed or reverted."""
    nova = request.cloud.compute
    flavor = nova.find_flavor(request.caller, str(asked["flavorRef"]))
    if flavor is None:
        raise kernel.Refusal(400, f"Flavor {asked['flavorRef']} could not be found.")
    if flavor.id == server.flavor.id:
        raise kernel.Refusal(400, "When resizing, instances must change flavor!")
    if server.image is not None:
        if flavor.disk == 0 < server.flavor.disk:
            raise kernel.Refusal(400, "Resize to zero disk flavor is not allowed.")
        compute_create.fits(server.image, flavor)
    nova.afford(
        server.project_id,
        instances=0,
        cores=max(flavor.vcpus - server.flavor.vcpus, 0),
        ram=max(flavor.ram - server.flavor.ram, 0),
    )
    return _move(request, server, flavor)


def _migrate(request: kernel.Request, server: compute.Server, _: Any) -> kernel.Reply:
    """Move a server to another host, to be confirmed or reverted."""
    return _move(request, server, server.flavor)


def _move(request: kernel.Request, server: compute.Server, flavor: compute.Flavor) -> kernel.Reply:
    """Let a server stop, move and start with a flavor."""
    cloud = request.cloud
    server.former = (server.flavor, server.vm_state)
    cloud.compute.charge(server, sign=-1)
    old, server.flavor = server.flavor, flavor
    cloud.compute.charge(server, sign=+1)
    server.flavor = old

    def finish() -> None:
        server.flavor = flavor

    compute_work.mark(cloud, server, task_state="resize_prep")
    compute_work.after(
        cloud, server, (0.1, 0.3), lambda: compute_work.mark(cloud, server, task_state="resize_migrating")
    )
    compute_work.after(
        cloud, server, (0.4, 0.6),
        lambda: compute_work.work(
            cloud, server, task="resize_finish", vm_state="resized", power=compute.RUNNING, finish=finish
        ),
    )  # fmt: skip
    return ACCEPTED


def _confirm(request: kernel.Request, server: compute.Server, _: Any) -> kernel.Reply:
    """Keep the new flavor."""
    _settle_resize(request, server)
    return kernel.Reply(status=204)


def _settle_resize(request: kernel.Request, server: compute.Server) -> None:
    """End a resize in the state the server had before."""
    vm_state = server.former[1] if server.former else "active"
    server.former = None
    power = compute.RUNNING if vm_state == "active" else compute.SHUTDOWN
    compute_work.mark(request.cloud, server, vm_state=vm_state, task_state=None, power=power)
    compute_work.done(request.cloud, server)


def _revert(request: kernel.Request, server: compute.Server, _: Any) -> kernel.Reply:
    """Give the old flavor back."""
    cloud = request.cloud

    def finish() -> None:
        if server.former is not None:
            cloud.compute.charge(server, sign=-1)
            server.flavor = server.former[0]
            cloud.compute.charge(server, sign=+1)

    compute_work.mark(cloud, server, task_state="resize_reverting")

    def settle() -> None:
        finish()
        _settle_resize(request, server)

    compute_work.after(cloud, server, (0.2, 0.5), settle)
    return ACCEPTED


def _shelve(request: kernel.Request, server: compute.Server, _: Any) -> kernel.Reply:
    """Store a server as an image and free its host."""
    cloud = request.cloud
    if server.image is not None:
        compute_work.snapshot_of(cloud, request, server, name=f"{server.name}-shelved", image_type="snapshot")
    compute_work.mark(cloud, server, task_state="shelving")
    compute_work.after(cloud, server, (0.2, 0.5), lambda: _free(request, server))
    return ACCEPTED


def _offload(request: kernel.Request, server: compute.Server, _: Any) -> kernel.Reply:
    """Free the host of a shelved server."""
    _free(request, server)
    return ACCEPTED


def _free(request: kernel.Request, server: compute.Server) -> None:
    """Let a shelved server go from its host."""

    def finish() -> None:
        server.host, server.zone = None, ""

    compute_work.mark(request.cloud, server, vm_state="shelved", task_state=None, power=compute.SHUTDOWN)
    compute_work.work(
        request.cloud,
        server,
        task="shelving_offloading",
        vm_state="shelved_offloaded",
        power=compute.SHUTDOWN,
        finish=finish,
    )


def _unshelve(request: kernel.Request, server: compute.Server, asked: Any) -> kernel.Reply:
    """Start a shelved server again, somewhere else if that is wished."""
    zone = (asked or {}).get("availability_zone")
    if zone is not None:
        if zone not in request.cloud.compute.hosts.values():
            raise kernel.Refusal(400, f"The requested availability zone is not available: {zone}")
        server.pinned_zone = zone

    def finish() -> None:
        server.host = compute_work.choose(request.cloud, server) or server.host
        server.zone = request.cloud.compute.hosts.get(server.host or "", "")

    compute_work.work(
        request.cloud, server, task="unshelving", vm_state="active", power=compute.RUNNING, finish=finish
    )
    return ACCEPTED


def _rebuild(request: kernel.Request, server: compute.Server, asked: Any) -> kernel.Reply:
    """Start a server over from an image."""
    image_id = asked["imageRef"]
    image = request.cloud.image.find(request.caller, image_id)
    if image is None:
        raise kernel.Refusal(400, "Cannot find image for rebuild")
    if image.status != "active":
        raise kernel.Refusal(400, f"Image {image_id} is not active.")
    if server.image is not None:
        compute_create.fits(image, server.flavor)
        server.image = image
    server.name = str(asked.get("name", server.name))
    server.metadata = dict(asked.get("metadata", server.metadata))
    server.description = asked.get("description", server.description)
    server.user_data = asked.get("user_data", server.user_data)
    if "key_name" in asked:
        server.key_name = asked["key_name"]
    compute_work.log(server, request, name="rebuild")
    stopped = server.vm_state == "stopped"
    compute_work.mark(request.cloud, server, task_state="rebuilding")
    compute_work.after(
        request.cloud, server, (0.1, 0.2),
        lambda: compute_work.work(
            request.cloud,
            server,
            task="rebuild_spawning",
            seconds=(0.3, 0.8),
            vm_state="stopped" if stopped else "active",
            power=compute.SHUTDOWN if stopped else compute.RUNNING,
        ),
    )  # fmt: skip
    shown = compute_view.detailed(request, server, single=True)
    shown["adminPass"] = asked.get("adminPass") or request.cloud.new_hex()[:12]
    return kernel.Reply(
        status=202, body={"server": shown}, headers={"Location": f"{request.root}/v2.1/servers/{server.id}"}
    )


def _create_image(request: kernel.Request, server: compute.Server, asked: Any) -> kernel.Reply:
    """Make an image of a server."""
    return _snapshot(request, server, name=asked["name"], extra=asked.get("metadata", {}), kind="snapshot")


def _create_backup(request: kernel.Request, server: compute.Server, asked: Any) -> kernel.Reply:
    """Make an image of a server that counts as one of its backups."""
    extra = {**asked.get("metadata", {}), "backup_type": asked["backup_type"]}
    return _snapshot(request, server, name=asked["name"], extra=extra, kind="backup")


def _snapshot(
    request: kernel.Request, server: compute.Server, *, name: str, extra: dict[str, str], kind: str
) -> kernel.Reply:
    """Make an image and keep the server busy meanwhile."""
    properties = {
        **extra,
        "image_type": kind,
        "instance_uuid": server.id,
        "user_id": request.caller.user_id,
        "base_image_ref": server.image.id if server.image else "",
    }
    image_id = compute_work.snapshot_of(request.cloud, request, server, **{**properties, "name": name})
    compute_work.log(server, request, name="createImage", event="compute_snapshot_instance")
    task = "image_snapshot_pending" if kind == "snapshot" else "image_backup"
    compute_work.work(request.cloud, server, task=task)
    if request.version >= (2, 45):
        return kernel.Reply(status=202, body={"image_id": image_id})
    return kernel.Reply(status=202, headers={"Location": f"{request.cloud.url}/image/v2/images/{image_id}"})


def _password(request: kernel.Request, server: compute.Server, asked: Any) -> kernel.Reply:
    """Change the password inside."""
    compute_work.work(request.cloud, server, task="updating_password")
    return ACCEPTED


def _console_output(request: kernel.Request, server: compute.Server, asked: Any) -> kernel.Reply:
    """Answer with the end of the console log."""
    if server.host is None or server.launched is None:
        raise kernel.Refusal(409, f"Instance {server.id} is not ready")
    lines = guests.console(server).splitlines()
    length = asked.get("length")
    if length is not None and int(length) >= 0:
        lines = lines[len(lines) - min(int(length), len(lines)) :]
    return kernel.Reply(body={"output": "\n".join(lines)})


def _restore(request: kernel.Request, server: compute.Server, _: Any) -> kernel.Reply:
    """Bring a softly deleted server back, when the quota still has room."""
    request.cloud.compute.afford(
        server.project_id, instances=1, cores=server.flavor.vcpus, ram=server.flavor.ram
    )
    compute_work.restore(request.cloud, server)
    return ACCEPTED


def _force_delete(request: kernel.Request, server: compute.Server, _: Any) -> kernel.Reply:
    """Delete a server for good."""
    compute_work.destroy(request.cloud, server)
    return ACCEPTED


def _live_migrate(request: kernel.Request, server: compute.Server, _: Any) -> kernel.Reply:
    """Move a running server to another host of its zone."""
    nova = request.cloud.compute

    def finish() -> None:
        others = [host for host, zone in nova.hosts.items() if zone == server.zone and host != server.host]
        server.host = request.cloud.rng.choice(others) if others else server.host

    compute_work.work(request.cloud, server, task="migrating", finish=finish)
    return ACCEPTED


def _group(*, add: bool) -> Act:
    """Return the action that adds a security group to a server, or takes it away."""

    def act(request: kernel.Request, server: compute.Server, asked: Any) -> kernel.Reply:
        request.cloud.network.change_group(request.caller, server_id=server.id, group=asked["name"], add=add)
        request.cloud.guests.touch(server.id)
        return ACCEPTED

    return act


def _reset(request: kernel.Request, server: compute.Server, asked: Any) -> kernel.Reply:
    """Declare a server active or broken."""
    server.epoch += 1
    compute_work.mark(request.cloud, server, vm_state=asked["state"], task_state=None)
    return ACCEPTED


def _console(kind: str) -> Act:
    """Return an old action that asks for a console, gone since 2.6."""

    def act(request: kernel.Request, server: compute.Server, asked: Any) -> kernel.Reply:
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
    "reboot": Rule(_reboot, frozenset({"active", "stopped", "paused", "suspended", "error"}), busy=True),
    "os-start": Rule(_simple("powering-on", vm_state="active", power=compute.RUNNING), frozenset({"stopped"}), log="start"),
    "os-stop": Rule(_simple("powering-off", vm_state="stopped", power=compute.SHUTDOWN), frozenset({"active", "error"}), log="stop"),
    "pause": Rule(_simple("pausing", vm_state="paused", power=compute.PAUSED), ACTIVE, log="pause"),
    "unpause": Rule(_simple("unpausing", vm_state="active", power=compute.RUNNING), frozenset({"paused"}), log="unpause"),
    "suspend": Rule(_simple("suspending", vm_state="suspended", power=compute.SHUTDOWN), ACTIVE, log="suspend"),
    "resume": Rule(_simple("resuming", vm_state="active", power=compute.RUNNING), frozenset({"suspended"}), log="resume"),
    "lock": Rule(_lock, busy=True, lock=False, log="lock"),
    "unlock": Rule(_unlock, busy=True, lock=False, log="unlock"),
    "rescue": Rule(_rescue, frozenset({"active", "stopped", "error"}), log="rescue"),
    "unrescue": Rule(_simple("unrescuing", vm_state="active", power=compute.RUNNING), frozenset({"rescued"}), log="unrescue"),
    "resize": Rule(_resize, frozenset({"active", "stopped"}), log="resize"),
    "confirmResize": Rule(_confirm, frozenset({"resized"}), log="confirmResize"),
    "revertResize": Rule(_revert, frozenset({"resized"}), log="revertResize"),
    "shelve": Rule(_shelve, RESTING, log="shelve"),
    "shelveOffload": Rule(_offload, frozenset({"shelved"}), admin="os_compute_api:os-shelve:shelve_offload", log="shelveOffload"),
    "unshelve": Rule(_unshelve, frozenset({"shelved", "shelved_offloaded"}), log="unshelve"),
    "rebuild": Rule(_rebuild, frozenset({"active", "stopped", "error"})),
    "createImage": Rule(_create_image, RESTING, lock=False),
    "createBackup": Rule(_create_backup, RESTING, lock=False),
    "changePassword": Rule(_password, ACTIVE, log="changePassword"),
    "os-getConsoleOutput": Rule(_console_output, busy=True, lock=False),
    "os-getVNCConsole": Rule(_console("novnc"), busy=True, lock=False),
    "restore": Rule(_restore, frozenset({"soft-delete"}), log="restore"),
    "forceDelete": Rule(_force_delete, busy=True, log="delete"),
    "migrate": Rule(_migrate, frozenset({"active", "stopped"}), admin="os_compute_api:os-migrate-server:migrate", log="migrate"),
    "os-migrateLive": Rule(_live_migrate, frozenset({"active", "paused"}), admin="os_compute_api:os-migrate-server:migrate_live", log="live-migration"),
    "addSecurityGroup": Rule(_group(add=True), busy=True, lock=False),
    "removeSecurityGroup": Rule(_group(add=False), busy=True, lock=False),
    "os-resetState": Rule(_reset, busy=True, lock=False, admin="os_compute_api:os-admin-actions:reset_state"),
}  # fmt: skip
"""What may be done to a server."""
