"""What the tests of servers share: request bodies, waiting, deleting."""

from typing import Any

NEWEST = "2.96"


def pick(cloud: Any, service: str, path: str, name: str) -> str:
    """Return the id of something by its name."""
    body = cloud.call("GET", service, path).body
    return next(
        item["id"]
        for items in body.values()
        if isinstance(items, list)
        for item in items
        if item["name"] == name
    )


def wish(cloud: Any, **more: Any) -> dict[str, Any]:
    """Return the body of a small server without networks."""
    server = {
        "name": cloud.name(),
        "flavorRef": pick(cloud, "compute", "/flavors", "m1.tiny"),
        "imageRef": pick(cloud, "image", "/images", "cirros"),
        "networks": "none",
    }
    return {"server": {key: value for key, value in (server | more).items() if value is not None}}


def remove(cloud: Any, server_id: str) -> None:
    """Delete a server for good when the test is over."""
    cloud.later("POST", "compute", f"/servers/{server_id}/action", {"forceDelete": None})


def make(cloud: Any, *, microversion: str = NEWEST, **more: Any) -> dict[str, Any]:
    """Boot a server and return it once it has settled."""
    answer = cloud.call("POST", "compute", "/servers", wish(cloud, **more), microversion=microversion)
    assert answer.status == 202, answer.text
    server_id = answer.body["server"]["id"]
    remove(cloud, server_id)
    return settle(cloud, server_id)


def get(cloud: Any, server_id: str, *, microversion: str = NEWEST) -> dict[str, Any] | None:
    """Return a server, or None when it is gone."""
    answer = cloud.call("GET", "compute", f"/servers/{server_id}", microversion=microversion)
    return answer.body["server"] if answer.status == 200 else None


def settle(cloud: Any, server_id: str) -> dict[str, Any]:
    """Wait until a server has no task_state, and return it."""

    def settled() -> dict[str, Any] | None:
        server = get(cloud, server_id)
        assert server is not None
        busy = server["status"] == "BUILD" or server["OS-EXT-STS:task_state"]
        return None if busy else server

    return cloud.until(settled)


def act(cloud: Any, server_id: str, name: str, value: Any = None, *, microversion: str = NEWEST) -> Any:
    """Do an action and return the answer."""
    return cloud.call(
        "POST", "compute", f"/servers/{server_id}/action", {name: value}, microversion=microversion
    )


def kind(answer: Any) -> str:
    """Return Nova's name of an error, and check its form."""
    (name,) = answer.body
    assert set(answer.body[name]) == {"code", "message"}
    assert answer.body[name]["code"] == answer.status
    return name


def message(answer: Any) -> str:
    """Return the sentence of an error."""
    return answer.body[kind(answer)]["message"]
