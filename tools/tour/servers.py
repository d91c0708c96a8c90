"""Servers: launched with all options, shown, changed by every action, and deleted."""

from typing import Any

from tools.tour.catalogue import KEY
from tools.tour.guide import Guide

SMALL = {"template": "cirros", "type": "m1.tiny"}


def launch(guide: Guide, *, suffix: str = "", **more: Any) -> str:
    """Launch a small server and return its id."""
    task = guide.go(
        "create_servers",
        about=", ".join(more),
        body={**SMALL, "name": guide.name + suffix, **more},
        expect=202,
        says=lambda task: guide.cloud.ports(task["servers"][0]["id"]),
    )
    id = str(task["servers"][0]["id"])
    guide.later(f"/servers/{id}?with=everything")
    return id


def life(guide: Guide) -> None:
    """Launch a server with an address, a volume, a keypair, a rule and a tag; show it, its console and its diagnostics."""
    cloud = guide.cloud
    key = {"name": f"{guide.name}-key", "public_key": KEY}
    id = launch(
        guide, public_address=True, volumes=[{"size_gb": 1}], keypair=key, allow=["tcp/22"], tags=["tour"]
    )
    guide.later(f"/keypairs/{key['name']}")
    guide.go(
        "list_servers",
        query="virt_state=ACTIVE",
        says=lambda _: cloud.count("compute", "/servers?status=ACTIVE", "servers"),
    )
    guide.go("get_server", id=id, says=lambda _: cloud.server(id))
    guide.go(
        "head_server",
        id=id,
        says=lambda states: f"{states['x-openstack-compute-server-virt-state']}; {cloud.server(id)}",
    )
    guide.go("get_console_log", id=id, query="lines=5", note="text of the console")
    guide.go("get_console", id=id, type="novnc", says=lambda console: console["uri"].partition("?")[0])
    guide.go(
        "get_diagnostics", id=id, about="by a user", expect=403, note="needs the role admin in Nova's policy"
    )
    guide.go(
        "get_diagnostics",
        id=id,
        operator=True,
        says=lambda console: f"{len(console['diagnostics'])} facts, as Nova measures them",
    )
    new = {"hostname": f"{guide.name}-new"}
    guide.go("change_server", about="hostname", id=id, body=new, says=lambda _: cloud.server(id))
    away = "a preview: in another project it would be beyond the tour's reach"
    move = {"project_id": "other"}
    guide.go(
        "change_server", about="project_id", operator=True, id=id, query="dry_run=true", body=move, note=away
    )
    tags(guide, id)
    guide.go(
        "list_server_tasks", id=id, says=lambda console: f"{len(console['tasks'])} entries; {cloud.deeds(id)}"
    )
    guide.go(
        "terminate_server",
        id=id,
        query="with=everything",
        expect=202,
        says=lambda _: f"{cloud.server(id).split(';')[0]}; {cloud.ports(id)}",
    )


def project(guide: Guide) -> None:
    """Do the same on the project's routes, where servers are named instead of numbered."""
    cloud, name = guide.cloud, f"{guide.name}-project"
    me = cloud.project()
    guide.go("get_project", id=me, note="links to what is in it")
    created = guide.go(
        "create_project_servers",
        project=me,
        body={**SMALL, "name": name},
        expect=202,
        says=lambda task: cloud.ports(task["servers"][0]["id"]),
    )
    id = created["servers"][0]["id"]
    guide.later(f"/servers/{id}?with=everything")
    guide.go("list_project_servers", project=me, says=lambda _: cloud.count("compute", "/servers", "servers"))
    guide.go("get_project_server", project=me, hostname=name, says=lambda _: cloud.server(id))
    guide.go("terminate_server", id=id, expect=202, says=lambda _: cloud.server(id).split(";")[0])


def tags(guide: Guide, id: str) -> None:
    """Call every route for tags of servers."""

    def told(_: Any) -> str:
        return guide.cloud.tags(id)

    guide.go("put_tag", id=id, tag="green", expect=204, says=told)
    guide.go("get_tags", id=id, says=told)
    guide.go("put_tags", id=id, body={"tags": ["blue", "red"]}, says=told)
    guide.go("delete_tag", id=id, tag="red", expect=204, says=told)
    guide.go("delete_tags", id=id, expect=204, says=told)


def actions(guide: Guide) -> None:
    """Run every action on a server, and read Nova's state of it after each."""
    id = launch(guide, suffix="-actor")
    for action in ("REBOOT", "HARD_REBOOT", "PAUSE", "UNPAUSE", "SUSPEND", "RESUME", "POWER_OFF", "POWER_ON"):
        guide.act(id, action)
    guide.act(id, "RESCUE")
    guide.act(id, "UNRESCUE")
    guide.act(id, "UPDATE_PASSWORD", {"password": "a-new-one"})
    guide.act(id, "REBUILD", {"template": "cirros"})
    guide.act(id, "LOCK", {"reason": "on tour"})
    guide.act(id, "UNLOCK")
    guide.act(id, "RESIZE", {"type": "m1.small"})
    guide.act(id, "RESIZE", {"type": "m1.tiny", "confirm": False})
    guide.act(id, "REVERT_RESIZE")
    guide.act(id, "RESIZE", {"type": "m1.tiny", "confirm": False})
    guide.act(id, "CONFIRM_RESIZE")
    plugs(guide, id)
    images(guide, id)
    guide.act(id, "MOVE", operator=True)
    guide.act(id, "POWER_OFF")
    guide.act(id, "MOVE", operator=True)
    guide.act(id, "POWER_ON")
    shelf(guide, id)
    guide.act(id, "TERMINATE", {"with": "nothing"})
    guide.act(id, "RESTORE")
    guide.act(id, "TERMINATE", {"with": "everything"})


def plugs(guide: Guide, id: str) -> None:
    """Attach a new volume and a new port, and detach both."""
    cloud, name = guide.cloud, f"{guide.name}-data"
    new = {"size_gb": 1, "name": name}
    attached = guide.act(
        id, "ATTACH_BLOCK_DEVICE", new, says=lambda task: cloud.volume(task["result"]["data"]["volume_id"])
    )
    volume = attached["result"]["data"]["volume_id"]
    guide.later(f"/volumes/{volume}")
    old = {"volume": name, "delete": True}
    guide.act(id, "DETACH_BLOCK_DEVICE", old, says=lambda _: cloud.volume(volume))
    attached = guide.act(
        id, "ATTACH_NETWORK_INTERFACE", {"network": "private"}, says=lambda _: cloud.ports(id)
    )
    port = {"port": attached["result"]["data"]["port_id"]}
    guide.act(id, "DETACH_NETWORK_INTERFACE", port, says=lambda _: cloud.ports(id))


def images(guide: Guide, id: str) -> None:
    """Create images of a server, and revert the tasks that created them."""

    def told(task: Any) -> str:
        return guide.cloud.image(task["result"]["data"]["image_id"])

    snapshot = guide.act(id, "SNAPSHOT", {"name": f"{guide.name}-today"}, says=told)
    monday = {"name": f"{guide.name}-monday", "kind": "daily", "keep": 1}
    backup = guide.act(id, "BACKUP", monday, says=told)
    guide.go("revert_task", id=snapshot["id"], expect=202, says=lambda _: told(snapshot))
    guide.go("revert_task", id=backup["id"], expect=202, says=lambda _: told(backup))


def shelf(guide: Guide, id: str) -> None:
    """Shelve a server and unshelve it."""
    guide.act(id, "SHELVE")
    if "SHELVE_OFFLOAD" in guide.go("get_server", id=id, says=lambda _: guide.cloud.server(id))["actions"]:
        guide.act(id, "SHELVE_OFFLOAD", operator=True)
    else:
        guide.cannot(
            "SHELVE_OFFLOAD",
            "this cloud takes shelved servers off their hosts at once (shelved_offload_time = 0)",
        )
    guide.act(id, "UNSHELVE")
