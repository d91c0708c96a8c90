"""Look-ups: the resource that has a name or an id."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from enamel.cli import show
from enamel.cli.client import Client, segment
from enamel.cli.failure import Failure

_SEARCHED = 1000
"""How many of the latest tasks are searched for the name of a server that no longer exists."""
LAST = "last"
"""The name of the task that was accepted last."""


def id_of(records: Sequence[show.Record], name: str, *, noun: str) -> str:
    """Return the id of the one resource that has an id or a name.

    Raises:
        Failure: None has it, or several have the name.

    """
    ids = [record["id"] for record in records if record["id"] == name]
    ids = ids or [record["id"] for record in records if record["name"] == name]
    if not ids:
        raise Failure(f"No {noun} '{name}'.")
    return str(_only(ids, name, noun=noun))


def volume(client: Client, name: str) -> str:
    """Return the id of the volume that has a name or an id. Raises Failure."""
    return id_of(list(client.pages("/volumes", "volumes", limit=1000)), name, noun="volume")


def server(client: Client, name: str) -> show.Record:
    """Return the server that has a name or an id.

    Raises:
        Failure: None has it, or several have the name.

    """
    silent: dict[str, None] = {}

    def hear(page: Any) -> None:
        silent.update({f"It may be there all the same: {cloud['detail']}": None for cloud in page["silent"]})

    servers = client.pages("/servers", "servers", hear, limit=1000)
    named = {record["id"]: record for record in servers if record["hostname"] == name}
    if named:
        server: show.Record = named[_only(list(named), name, noun="server")]
        return server
    try:
        server = client.get(f"/servers/{segment(name)}")
    except Failure as failure:
        # Whatever else is wrong, the reason is not that there is none.
        if any(error.get("status") != HTTPStatus.NOT_FOUND for error in failure.document["errors"]):
            raise
        raise Failure(f"No server '{name}'.", *silent, "`enamel server list` lists the servers.") from None
    return server


def address(client: Client, name: str) -> show.Record:
    """Return the address that is written like this, or has this id.

    Raises:
        Failure: None is, or several networks have it.

    """
    addresses = client.pages("/addresses", "addresses", limit=1000)
    by_id = {record["id"]: record for record in addresses if name in (record["id"], record["address"])}
    if not by_id:
        raise Failure(f"No address '{name}'.", "`enamel address list` lists the addresses.")
    address: show.Record = by_id[_only(list(by_id), name, noun="address")]
    return address


def task(client: Client, text: str) -> str:
    """Return the id of the task that is meant.

    Args:
        client: The service to ask.
        text: An id, the beginning of one that no other task has, or `last` for the task that was accepted last.

    Raises:
        Failure: No task is meant, or several are.

    """
    if text == LAST:
        return _last(client)
    digits = text.lower().replace("-", "")
    if not re.fullmatch(r"[0-9a-f]{1,12}|[0-9a-f]{12}7[0-9a-f]{0,18}", digits):
        return text
    # Ids sort by the time of acceptance: those that begin like this are just before the first one that does not.
    marker = _uuid(_after(digits))
    page = client.get("/tasks", all=True, marker=marker, limit=2)["tasks"]
    ids = [task["id"] for task in page if task["id"].replace("-", "").startswith(digits)]
    if not ids:
        raise Failure(f"No task '{text}'.", "`enamel task list --all` lists the tasks.")
    if len(ids) > 1:
        raise Failure(
            f"The ids of several tasks begin with '{text}', such as {' and '.join(ids)}.",
            "Write more of the id.",
        )
    return str(ids[0])


def _last(client: Client) -> str:
    """Return the id of the latest task that somebody asked for. Raises Failure."""
    for task in client.get("/tasks", all=True, limit=100)["tasks"]:
        # A time to live has a task of its own, which is written with the launch and begins later.
        if task["type"] != "task.revert" or task["not_before"] is None:
            return str(task["id"])
    raise Failure("There is no task yet.", "`enamel task list --all` lists the tasks.")


def tasks_of(client: Client, name: str, *, limit: int, **filters: Any) -> list[show.Record]:
    """Return the latest tasks about a server that has a name or an id, or had them.

    Raises:
        Failure: Several servers have the name.

    """
    servers = client.pages("/servers", "servers", limit=1000)
    ids = [record["id"] for record in servers if record["hostname"] == name]
    if ids or _is_id(name):
        id = _only(ids or [name], name, noun="server")
        return list(client.get("/tasks", limit=limit, server=id, **filters)["tasks"])
    # A server that is gone is in no list: its name is in the tasks that were about it.
    latest = client.get("/tasks", limit=_SEARCHED, **{**filters, "all": True})["tasks"]
    about = [task for task in latest if any(server["hostname"] == name for server in task["servers"])]
    if not about:
        raise Failure(
            f"No server '{name}', and none of the latest {_SEARCHED} tasks is about one of this name."
        )
    return about[:limit]


def _is_id(text: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text.lower()) is not None


def _after(digits: str) -> str:
    """Return the first id after those that begin with some digits; the thirteenth digit of each id is its version, 7."""
    known = digits + "f" * (32 - len(digits))
    known = known if len(digits) > 12 else f"{known[:12]}7{known[13:]}"
    after = f"{int(known, 16) + 1:032x}"
    return after if after[12] == "7" and len(after) == 32 else known


def _uuid(digits: str) -> str:
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def zone(client: Client, name: str) -> str:
    """Return the path of the zone that has a name: on the chosen cloud, or else on the first one that has it.

    Raises:
        Failure: No zone has the name, or zones of several regions have it.

    """
    placements = client.pages("/placements", "placements", limit=1000)
    paths = [record["path"] for record in placements if record["kind"] == "ZONE" and record["name"] == name]
    # The default cloud is listed first.
    cloud = client.cloud or (_cloud(paths[0]) if paths else None)
    paths = [path for path in paths if _cloud(path) == cloud]
    if not paths:
        raise Failure(f"No availability zone '{name}'.", "`enamel placement tree` shows the zones.")
    if len(paths) > 1:
        raise Failure(
            f"Several availability zones are called '{name}'.", f"Use --placement: {', '.join(paths)}."
        )
    return str(paths[0])


def _cloud(path: str) -> str:
    return path.partition("/")[0]


def _only(ids: Sequence[str], name: str, *, noun: str) -> str:
    """Return the only id. Raises Failure."""
    if len(ids) > 1:
        raise Failure(
            f"'{name}' is ambiguous: it fits {show.count(len(ids), noun)}. Use an id: {', '.join(ids)}."
        )
    return ids[0]
