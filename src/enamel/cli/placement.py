"""`enamel placement`: where servers can go."""

from collections.abc import Sequence
from typing import Any

import click

from enamel.cli import show
from enamel.cli.client import Client
from enamel.cli.failure import Failure


@click.group()
def placement() -> None:
    """See where servers can go."""


@placement.command(name="list")
@click.option("--tag", "tags", multiple=True, help="With this tag, or any of them where repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_(client: Client, *, tags: tuple[str, ...], as_json: bool) -> None:
    """List containers, clouds, regions and zones."""
    found = _all(client, tags=tags)
    if as_json:
        show.as_json({"placements": found})
        return
    rows = [
        (show.plain(one["path"]), one["kind"], _state(one), show.plain(", ".join(one["tags"])), one["id"])
        for one in found
    ]
    show.table(["placement", "kind", "state", "tags", "id"], rows, empty="There are no placements.")


@placement.command()
@click.pass_obj
def tree(client: Client) -> None:
    """Draw containers, clouds, regions and zones as a tree; what has two parents stands below both."""
    from rich.tree import Tree

    found = {one["id"]: one for one in _all(client)}
    top = Tree("placements")

    def grow(branch: Tree, one: dict[str, Any]) -> None:
        state = "" if one["available"] else " (unavailable)"
        below = branch.add(show.plain(one["name"]) + state)
        for id in one["children"]:
            grow(below, found[id])

    for one in found.values():
        if not one["parents"]:
            grow(top, one)
    show.console().print(top)


@placement.command(name="show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def show_(client: Client, *, name: str, as_json: bool) -> None:
    """Show a placement, by its path, name or id."""
    known = _all(client)
    found = next((one for key in ("id", "path", "name") for one in known if one[key] == name), None)
    if found is None:
        raise Failure(f"There is no placement '{name}'.", "`enamel placement list` shows those there are.")
    if as_json:
        show.as_json(found)
        return
    paths = {one["id"]: one["path"] for one in known}
    show.facts(
        [
            ("placement", show.plain(found["path"])),
            ("id", found["id"]),
            ("kind", found["kind"]),
            ("state", _state(found)),
            ("description", show.plain(found["description"])),
            ("tags", show.plain(", ".join(found["tags"]))),
            *((show.plain(name), show.plain(text)) for name, text in found["properties"].items()),
            ("above", show.plain(", ".join(paths[id] for id in found["parents"]))),
            ("below", show.plain(", ".join(paths[id] for id in found["children"]))),
        ]
    )


def _all(client: Client, *, tags: Sequence[str] = ()) -> list[dict[str, Any]]:
    filters = {"tag": ",".join(tags)} if tags else {}
    return list(client.pages("/placements", "placements", limit=1000, **filters))


def _state(one: dict[str, Any]) -> str:
    return "available" if one["available"] else "unavailable"
