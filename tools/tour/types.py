"""Sizes of servers: made, tagged, shared, changed and deleted, which takes an operator."""

from typing import Any

from tools.tour.guide import Guide


def server_types(guide: Guide) -> None:
    """Make a size of server, tag it, share it, change it and delete it: all that takes an operator."""
    cloud, name = guide.cloud, guide.name
    wish = {"name": name, "spec": {"memory_mb": 128, "cpu_units": 1, "root_disk_gb": 1}}
    guide.go(
        "list_server_types", query="limit=100", says=lambda _: cloud.count("compute", "/flavors", "flavors")
    )
    guide.go("create_server_type", about="by a user", body=wish, expect=403, note="needs the role admin")
    made = guide.go(
        "create_server_type",
        operator=True,
        body=wish,
        expect=201,
        says=lambda found: cloud.flavor(found["id"]),
    )
    id = made["id"]
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
    """Share a size with users and projects, and take it back."""

    def told(_: Any) -> str:
        return guide.cloud.access(id)

    guide.go("put_shares", operator=True, id=id, body={"users": ["other"], "projects": ["other"]}, says=told)
    guide.go("get_shares", operator=True, id=id, says=told)
    guide.go("delete_user_share", operator=True, id=id, user="other", expect=204, says=told)
    guide.go("delete_project_share", operator=True, id=id, project="other", expect=204, says=told)
    guide.go("put_user_share", operator=True, id=id, user="other", expect=204, says=told)
    guide.go("put_project_share", operator=True, id=id, project="other", expect=204, says=told)
    guide.go("delete_shares", operator=True, id=id, expect=204, says=told)
