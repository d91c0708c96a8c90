"""The balance of a project: what tasks say they have made, against what the cloud has."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from enamel.model import task
from enamel.model.task import Task

KINDS = {
    "servers": "server",
    "ports": "port",
    "floatingips": "address",
    "volumes": "volume",
    "keypairs": "keypair",
    "security_groups": "security_group",
    "server_groups": "server_group",
    "networks": "network",
}
"""Inventories of the sandbox, and what Enamel calls that of which they are."""

MAKERS = {"server.create", "address.create"}
REVERT = "task.revert"
FAILED = task.ENDED - {task.State.COMPLETED}
Row = Mapping[str, Any]
There = Mapping[str, Collection[Row]]


def inventory(state: Mapping[str, Iterable[Row]], *, project_id: str) -> dict[str, list[Row]]:
    """Return what a project has, by kind, without what a cloud makes for itself."""
    return {
        kind: [
            row
            for row in state[name]
            if row["project_id"] == project_id
            and not row.get("device_owner", "").startswith("network:")
            and (name, row.get("name")) != ("security_groups", "default")
        ]
        for name, kind in KINDS.items()
    }


def standing(tasks: Iterable[Task]) -> list[Task]:
    """Return the tasks that make things whose works no other task has reverted, or taken over to go on with them."""
    known = list(tasks)
    undone = {one.parent for one in known if one.type != REVERT or one.attempt}
    return [one for one in known if one.type in MAKERS and one.id not in undone]


def half_reverted(tasks: Iterable[Task]) -> list[Task]:
    """Return the tasks whose revert was ended on its way, and that no other task has reverted or taken over since."""
    known = list(tasks)
    begun = {one.parent for one in known if one.type == REVERT and one.attempt and one.state in FAILED}
    settled = {one.parent for one in known if one.type != REVERT or one.state is task.State.COMPLETED}
    return [one for one in known if one.id in begun - settled]


def in_doubt(tasks: Iterable[Task]) -> set[str]:
    """Return the ids of what such tasks have made, which may be there or not."""
    return {thing.id for found in half_reverted(tasks) for thing in _made(found)}


def leftovers(there: There, tasks: Iterable[Task], *, meant: Collection[str] = ()) -> dict[str, list[Row]]:
    """Return what there is and should not be: made by none of the tasks, or made twice."""
    # An address may be a port.
    made = Counter(one.id for found in tasks for one in _made(found))
    assert not [thing for thing, times in made.items() if times > 1], "two tasks claim the same thing"
    servers = {row["id"] for row in there["server"]}

    def is_stray(kind: str, row: Row) -> bool:
        # A port that Nova has made goes with its server.
        named = row.get("description") or "enamel:" in row.get("name", "")
        novas = kind == "port" and not named and row["device_id"] in servers
        deleted = row.get("status") == "SOFT_DELETED"
        return row["id"] not in made and row["id"] not in meant and not novas and not deleted

    found = {
        kind: [row for row in rows if is_stray(kind, row)]
        for kind, rows in there.items()
        if kind != "network"
    }
    return {kind: rows for kind, rows in found.items() if rows}


def missing(there: There, tasks: Iterable[Task]) -> list[tuple[str, str]]:
    """Return what completed tasks have made and the cloud has not."""
    known = {row["id"] for rows in there.values() for row in rows}
    return [
        (one.kind, one.id)
        for found in tasks
        if found.state is task.State.COMPLETED
        for one in _made(found)
        if one.id not in known
    ]


def _made(found: Task) -> list[task.Made]:
    return [one for things in found.result.made.values() for one in things]
