"""`enamel server-type`: the sizes that servers come in."""

from typing import Any

import click

from enamel.cli import outcome, show
from enamel.cli.client import Client, segment
from enamel.cli.pick import waiting


@click.group(name="server-type")
def server_type() -> None:
    """See the sizes that servers come in; make, change, tag, share and delete them, where the cloud lets you."""


@server_type.command(name="list")
@click.option(
    "--visibility",
    type=click.Choice(("public", "own", "shared")),
    multiple=True,
    help="Only everyone's, the project's own, or those shared with you; can be repeated.",
)
@click.option("--tag", multiple=True, help="Only those with this tag; can be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_(client: Client, *, visibility: tuple[str, ...], tag: tuple[str, ...], as_json: bool) -> None:
    """List the sizes that you can use."""
    wanted = {"visibility": ",".join(visibility) or None, "tag": ",".join(tag) or None}
    found = list(client.pages("/server_types", "server_types", limit=100, **wanted))
    if as_json:
        show.as_json({"server_types": found})
        return
    rows = [
        (
            show.plain(one["name"]),
            str(one["spec"]["cpu_units"]),
            f"{one['spec']['memory_mb']} MB",
            f"{one['spec']['root_disk_gb']} GB",
            one["scope"],
            show.plain(", ".join(one["tags"])),
            show.plain(one["id"]),
        )
        for one in found
    ]
    show.table(
        ["server type", "CPU", "memory", "disk", "for", "tags", "id"],
        rows,
        empty="There are no server types.",
    )


@server_type.command(name="show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def show_(client: Client, *, name: str, as_json: bool) -> None:
    """Show a size, by its NAME or id."""
    found = client.get(f"/server_types/{segment(name)}")
    if as_json:
        show.as_json(found)
        return
    spec = found["spec"]
    show.facts(
        [
            ("server type", show.plain(found["name"])),
            ("id", show.plain(found["id"])),
            ("description", show.plain(found["description"])),
            ("CPU", str(spec["cpu_units"])),
            ("memory", f"{spec['memory_mb']} MB"),
            ("disk", f"{spec['root_disk_gb']} GB"),
            ("swap", f"{spec['swap_mb']} MB" if spec["swap_mb"] else ""),
            ("for", found["visibility"]),
            ("because it is", found["scope"]),
            ("tags", show.plain(", ".join(found["tags"]))),
            *((f"shared with {kind}", ", ".join(ids)) for kind, ids in (found["shares"] or {}).items()),
        ]
    )


@server_type.command()
@click.argument("name")
@click.option("--memory", type=click.IntRange(1), required=True, metavar="MB", help="How much memory.")
@click.option("--cpu", type=click.IntRange(1), required=True, help="How many CPUs.")
@click.option(
    "--disk",
    type=click.IntRange(0),
    default=10,
    show_default=True,
    metavar="GB",
    help="How large the root disk is.",
)
@click.option("--description", default="", help="What it is for.")
@click.option("--public", is_flag=True, help="For everyone; otherwise for this project.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
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
    """Make a size with a NAME; most clouds ask for the role admin."""
    body = {
        "name": name,
        "description": description,
        "visibility": "PUBLIC" if public else "PRIVATE",
        "spec": {"memory_mb": memory, "cpu_units": cpu, "root_disk_gb": disk},
    }
    made = client.post("/server_types", body)
    if as_json:
        show.as_json(made)
    else:
        click.echo(f"Server type '{made['name']}' is there: {made['id']}")


@server_type.command(name="set")
@click.argument("name")
@click.option("--name", "new_name", metavar="NAME", help="What it is called from now on.")
@click.option("--description", help="What it is for.")
@click.option("--memory", type=click.IntRange(1), metavar="MB", help="How much memory.")
@click.option("--cpu", type=click.IntRange(1), help="How many CPUs.")
@click.option("--disk", type=click.IntRange(0), metavar="GB", help="How large the root disk is.")
@click.option("--swap", type=click.IntRange(0), metavar="MB", help="How much swap.")
@click.option("--public/--private", "public", default=None, help="For everyone, or for this project.")
@click.option("--dry-run", is_flag=True, help="Show the plan, and do nothing.")
@waiting
@click.pass_obj
def set_(
    client: Client,
    /,
    *,
    name: str,
    new_name: str | None,
    description: str | None,
    public: bool | None,
    dry_run: bool,
    wait: bool,
    as_json: bool,
    **numbers: Any,
) -> int:
    """Change the size that has a NAME or id; servers of it stay as they are."""
    words = {"memory": "memory_mb", "cpu": "cpu_units", "disk": "root_disk_gb", "swap": "swap_mb"}
    spec = {words[key]: value for key, value in numbers.items() if value is not None}
    wanted = {
        "name": new_name,
        "description": description,
        "spec": spec or None,
        "visibility": None if public is None else "PUBLIC" if public else "PRIVATE",
    }
    body = {key: value for key, value in wanted.items() if value is not None}
    path = f"/server_types/{segment(name)}"
    if dry_run:
        return outcome.preview(client.patch(path, body, dry_run=True), as_json=as_json)
    return outcome.accepted(client, client.patch(path, body), wait=wait, as_json=as_json)


@server_type.command()
@click.argument("name")
@click.argument("tags", nargs=-1)
@click.option("--remove", is_flag=True, help="Take the tags off instead.")
@click.pass_obj
def tag(client: Client, *, name: str, tags: tuple[str, ...], remove: bool) -> None:
    """Put TAGS on the size that has a NAME or id; without tags, show them."""
    path = f"/server_types/{segment(name)}/tags"
    for word in tags:
        change = client.delete if remove else client.put
        change(f"{path}/{segment(word)}")
    click.echo(", ".join(show.plain(word) for word in client.get(path)["tags"]) or "It has no tags.")


@server_type.command()
@click.argument("name")
@click.option("--user", "users", multiple=True, help="A user, by name or id; can be repeated.")
@click.option("--project", "projects", multiple=True, help="A project, by name or id; can be repeated.")
@click.option("--remove", is_flag=True, help="Share it no longer with them; with nobody where none is named.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def share(
    client: Client,
    *,
    name: str,
    users: tuple[str, ...],
    projects: tuple[str, ...],
    remove: bool,
    as_json: bool,
) -> None:
    """Share the private size that has a NAME or id; without options, show whom it is shared with."""
    path = f"/server_types/{segment(name)}/shares"
    change = client.delete if remove else client.put
    for kind, names in (("users", users), ("projects", projects)):
        for one in names:
            change(f"{path}/{kind}/{segment(one)}")
    if remove and not users and not projects:
        client.delete(path)
    found = client.get(path)
    if as_json:
        show.as_json(found)
        return
    show.facts([(kind, ", ".join(found[kind]) or "none") for kind in ("users", "projects")])


@server_type.command()
@click.argument("names", nargs=-1, required=True)
@click.pass_obj
def delete(client: Client, *, names: tuple[str, ...]) -> None:
    """Delete sizes, by their NAMES or ids; servers of them stay as they are."""
    for name in names:
        client.delete(f"/server_types/{segment(name)}")
        click.echo(f"Server type '{name}' is gone.")
