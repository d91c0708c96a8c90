"""`enamel server-type`: server types, which the cloud calls flavors."""

from typing import Any

import click

from enamel.cli import confirm, grammar, options, outcome, preview, show
from enamel.cli.client import Client, segment

COLUMNS: show.Columns = {
    "server type": lambda type: show.plain(type["name"]),
    "CPU": lambda type: str(type["spec"]["cpu_units"]),
    "memory": lambda type: f"{type['spec']['memory_mb']} MB",
    "disk": lambda type: f"{type['spec']['root_disk_gb']} GB",
    "scope": lambda type: str(type["scope"]).lower(),
    "tags": lambda type: show.listed(type["tags"]),
    "id": lambda type: show.plain(type["id"]),
}


@click.group(name="server-type", cls=grammar.OnCloud)
def server_type() -> None:
    """List, create, change, tag, share and delete server types, which the cloud calls flavors.

    TYPE is a name or an id.
    """


@server_type.command(name="list")
@click.option(
    "--visibility",
    type=click.Choice(("public", "own", "shared"), case_sensitive=False),
    multiple=True,
    help="Only server types for everyone, of the project, or shared with you. Can be repeated.",
)
@click.option("--tag", multiple=True, help="Only server types with this tag. Can be repeated.")
@options.as_json
@click.pass_obj
def list_(client: Client, *, visibility: tuple[str, ...], tag: tuple[str, ...], as_json: bool) -> None:
    """List the server types that you can use."""
    filters = {"visibility": ",".join(visibility).upper() or None, "tag": ",".join(tag) or None}
    types = list(client.pages("/server_types", "server_types", limit=100, **filters))
    if as_json:
        show.as_json({"server_types": types})
        return
    show.records(types, COLUMNS, empty="No server types.")


@server_type.command(name="show")
@click.argument("type")
@options.as_json
@click.pass_obj
def show_(client: Client, *, type: str, as_json: bool) -> None:
    """Show a server type."""
    record = client.get(f"/server_types/{segment(type)}")
    if as_json:
        show.as_json(record)
        return
    spec = record["spec"]
    show.facts(
        [
            ("server type", show.plain(record["name"])),
            ("id", show.plain(record["id"])),
            ("cloud", show.plain(record.get("cloud"))),
            ("description", show.plain(record["description"])),
            ("CPU", str(spec["cpu_units"])),
            ("memory", f"{spec['memory_mb']} MB"),
            ("disk", f"{spec['root_disk_gb']} GB"),
            ("swap", f"{spec['swap_mb']} MB" if spec["swap_mb"] else ""),
            ("visibility", record["visibility"]),
            ("scope", record["scope"].lower()),
            ("tags", show.listed(record["tags"])),
            *((f"shared with {kind}", ", ".join(ids)) for kind, ids in (record["shares"] or {}).items()),
        ]
    )


@server_type.command()
@click.argument("name")
@click.option("--memory", type=click.IntRange(1), required=True, metavar="MB", help="Memory in megabytes.")
@click.option("--cpu", type=click.IntRange(1), required=True, help="Number of CPUs.")
@click.option(
    "--disk",
    type=click.IntRange(0),
    default=10,
    show_default=True,
    metavar="GB",
    help="Size of the root disk in gigabytes.",
)
@click.option("--description", default="", help="Description of the server type.")
@click.option("--public", is_flag=True, help="Offer it to everyone. If not set, to this project.")
@options.as_json
@click.pass_obj
def create(
    client: Client,
    *,
    name: str,
    memory: int,
    cpu: int,
    disk: int,
    description: str,
    public: bool,
    as_json: bool,
) -> None:
    """Create a server type with a NAME; most clouds require the role admin."""
    body = {
        "name": name,
        "description": description,
        "visibility": "PUBLIC" if public else "PRIVATE",
        "spec": {"memory_mb": memory, "cpu_units": cpu, "root_disk_gb": disk},
    }
    created = client.post("/server_types", body)
    if as_json:
        show.as_json(created)
    else:
        click.echo(f"Created server type {created['name']} ({created['id']})")


@server_type.command(name="set")
@click.argument("type")
@click.option("--name", help="New name.")
@click.option("--description", help="New description.")
@click.option("--memory", type=click.IntRange(1), metavar="MB", help="Memory in megabytes.")
@click.option("--cpu", type=click.IntRange(1), help="Number of CPUs.")
@click.option("--disk", type=click.IntRange(0), metavar="GB", help="Size of the root disk in gigabytes.")
@click.option("--swap", type=click.IntRange(0), metavar="MB", help="Swap in megabytes.")
@click.option("--public/--private", "public", default=None, help="Offer it to everyone, or to this project.")
@options.dry_run
@options.waiting
@click.pass_obj
def set_(
    client: Client,
    /,
    *,
    type: str,
    name: str | None,
    description: str | None,
    public: bool | None,
    dry_run: bool,
    wait: bool,
    as_json: bool,
    **numbers: Any,
) -> int:
    """Change a server type; its servers stay as they are."""
    names = {"memory": "memory_mb", "cpu": "cpu_units", "disk": "root_disk_gb", "swap": "swap_mb"}
    spec = {names[key]: value for key, value in numbers.items() if value is not None}
    fields = {
        "name": name,
        "description": description,
        "spec": spec or None,
        "visibility": None if public is None else "PUBLIC" if public else "PRIVATE",
    }
    body = {field: value for field, value in fields.items() if value is not None}
    path = f"/server_types/{segment(type)}"
    if dry_run:
        return preview.show_one(client, client.patch(path, body, dry_run=True), as_json=as_json)
    return outcome.accepted(client, client.patch(path, body), wait=wait, as_json=as_json)


@server_type.command()
@click.argument("type")
@click.argument("tags", nargs=-1)
@click.option("--remove", is_flag=True, help="Remove the tags instead.")
@options.as_json
@click.pass_obj
def tag(client: Client, *, type: str, tags: tuple[str, ...], remove: bool, as_json: bool) -> None:
    """Add TAGS to a server type; without TAGS, show its tags."""
    path = f"/server_types/{segment(type)}/tags"
    change = client.delete if remove else client.put
    for tag in tags:
        change(f"{path}/{segment(tag)}")
    present = client.get(path)["tags"]
    if as_json:
        show.as_json({"tags": present})
    else:
        click.echo(", ".join(present) or "No tags.")


@server_type.command()
@click.argument("type")
@click.option("--user", "users", multiple=True, help="User, by name or id. Can be repeated.")
@click.option("--project", "projects", multiple=True, help="Project, by name or id. Can be repeated.")
@click.option(
    "--remove",
    is_flag=True,
    help="Stop sharing with these users and projects; if none is named, with everyone.",
)
@options.as_json
@click.pass_obj
def share(
    client: Client,
    *,
    type: str,
    users: tuple[str, ...],
    projects: tuple[str, ...],
    remove: bool,
    as_json: bool,
) -> None:
    """Share a private server type; without options, show with whom it is shared."""
    path = f"/server_types/{segment(type)}/shares"
    change = client.delete if remove else client.put
    for kind, names in (("users", users), ("projects", projects)):
        for name in names:
            change(f"{path}/{kind}/{segment(name)}")
    if remove and not users and not projects:
        client.delete(path)
    shares = client.get(path)
    if as_json:
        show.as_json(shares)
        return
    show.facts([(kind, ", ".join(shares[kind]) or "none") for kind in ("users", "projects")])


@server_type.command()
@click.argument("types", metavar="TYPE...", nargs=-1, required=True)
@options.yes
@options.as_json
@click.pass_obj
def delete(client: Client, *, types: tuple[str, ...], yes: bool, as_json: bool) -> None:
    """Delete server types; their servers stay as they are."""
    confirm.destroying(lambda: [f"This deletes server type {name}." for name in types], yes=yes)
    paths = {name: f"/server_types/{segment(name)}" for name in types}
    outcome.deleted(client, paths, "server type", as_json=as_json)
