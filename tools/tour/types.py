"""Server types: created, tagged, shared, changed and deleted by an operator."""

from typing import Any

from tools.tour.guide import Guide


def server_types(guide: Guide) -> None:
    """Create a server type, tag it, share it, change it and delete it, as an operator."""
    cloud, name = guide.cloud, guide.name
    wish = {"name": name, "spec": {"memory_mb": 128, "cpu_units": 1, "root_disk_gb": 1}}
    guide.go(
        "list_server_types", query="limit=100", says=lambda _: cloud.count("compute", "/flavors", "flavors")
    )
    guide.go("create_server_type", about="by a user", body=wish, expect=403, note="needs the role admin")
    server_type = guide.go(
        "create_server_type",
        operator=True,
        body=wish,
        expect=201,
        says=lambda server_type: cloud.flavor(server_type["id"]),
    )
    id = server_type["id"]
    guide.later(f"/server_types/{id}")

    def told(_: Any) -> str:
        return cloud.flavor(id)

    guide.go("get_server_type", operator=True, id=name, says=told)
    guide.go("put_type_tags", operator=True, id=id, body={"tags": ["small", "cheap"]}, says=told)
    guide.go("put_type_tag", operator=True, id=id, tag="old", expect=204, says=told)
    guide.go("get_type_tags", operator=True, id=id, says=told)
    guide.go("delete_type_tag", operator=True, id=id, tag="old", expect=204, says=told)
    shares(guide, id)
    change = {"spec": {"memory_mb": 256}, "description": "Twice as large."}
    guide.go(
        "change_server_type", about="memory_mb=256", operator=True, id=id, body=change, expect=202, says=told
    )
    guide.go("delete_type_tags", operator=True, id=id, expect=204, says=told)
    guide.go("delete_server_type", operator=True, id=id, expect=204, says=told)


def shares(guide: Guide, id: str) -> None:
    """Share a server type with users and projects, and unshare it."""

    def told(_: Any) -> str:
        return guide.cloud.access(id)

    guide.go("put_shares", operator=True, id=id, body={"users": ["other"], "projects": ["other"]}, says=told)
    guide.go("get_shares", operator=True, id=id, says=told)
    guide.go("delete_user_share", operator=True, id=id, user="other", expect=204, says=told)
    guide.go("delete_project_share", operator=True, id=id, project="other", expect=204, says=told)
    guide.go("put_user_share", operator=True, id=id, user="other", expect=204, says=told)
    guide.go("put_project_share", operator=True, id=id, project="other", expect=204, says=told)
    guide.go("delete_shares", operator=True, id=id, expect=204, says=told)
