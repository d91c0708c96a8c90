"""`enamel placement`: where servers can be launched."""

from collections.abc import Sequence

import click

from enamel.cli import grammar, options, show
from enamel.cli.client import Client
from enamel.cli.failure import Failure

COLUMNS: show.Columns = {
    "placement": lambda placement: show.plain(placement["path"]),
    "kind": lambda placement: str(placement["kind"]),
    "state": lambda placement: _state(placement),
    "tags": lambda placement: show.listed(placement["tags"]),
    "id": lambda placement: str(placement["id"]),
}


@click.group(cls=grammar.OnCloud)
def placement() -> None:
    """Show where servers can be launched: containers, clouds, regions and zones."""


@placement.command(name="list")
@click.option(
    "--tag", "tags", multiple=True, help="Only placements with this tag; if repeated, with any of them."
)
@options.as_json
@click.pass_obj
def list_(client: Client, *, tags: tuple[str, ...], as_json: bool) -> None:
    """List containers, clouds, regions and zones."""
    placements = _all(client, tags=tags)
    if as_json:
        show.as_json({"placements": placements})
        return
    rows = [[text(placement) for text in COLUMNS.values()] for placement in placements]
    show.table(list(COLUMNS), rows, empty="No placements.")


@placement.command()
@options.as_json
@click.pass_obj
def tree(client: Client, *, as_json: bool) -> None:
    """Draw containers, clouds, regions and zones as a tree; a placement with two parents is drawn below both."""
    from rich.tree import Tree

    if as_json:
        show.as_json({"placements": _all(client)})
        return
    placements = {placement["id"]: placement for placement in _all(client)}
    root = Tree("placements")

    def grow(branch: Tree, placement: show.Record) -> None:
        state = "" if placement["available"] else " (unavailable)"
        below = branch.add(show.plain(placement["name"]) + state)
        for id in placement["children"]:
            grow(below, placements[id])

    for placement in placements.values():
        if not placement["parents"]:
            grow(root, placement)
    show.console().print(root)


@placement.command(name="show")
@click.argument("name")
@options.as_json
@click.pass_obj
def show_(client: Client, *, name: str, as_json: bool) -> None:
    """Show a placement, by its path, name or id."""
    placements = _all(client)
    matches = (record for key in ("id", "path", "name") for record in placements if record[key] == name)
    placement = next(matches, None)
    if placement is None:
        raise Failure(f"No placement '{name}'.", "`enamel placement list` lists the placements.")
    if as_json:
        show.as_json(placement)
        return
    paths = {record["id"]: record["path"] for record in placements}
    show.facts(
        [
            ("placement", show.plain(placement["path"])),
            ("id", placement["id"]),
            ("kind", placement["kind"]),
            ("state", _state(placement)),
            ("description", show.plain(placement["description"])),
            ("tags", show.listed(placement["tags"])),
            *((show.plain(key), show.plain(value)) for key, value in placement["properties"].items()),
            ("parents", show.listed(paths[id] for id in placement["parents"])),
            ("children", show.listed(paths[id] for id in placement["children"])),
        ]
    )


def _all(client: Client, *, tags: Sequence[str] = ()) -> list[show.Record]:
    filters = {"tag": ",".join(tags)} if tags else {}
    return list(client.pages("/placements", "placements", limit=1000, **filters))


def _state(placement: show.Record) -> str:
    return "available" if placement["available"] else "unavailable"
