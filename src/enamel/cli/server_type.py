"""`enamel server-type`: the sizes that servers come in."""

import click

from enamel.cli import show
from enamel.cli.client import Client, segment


@click.group(name="server-type")
def server_type() -> None:
    """See the sizes that servers come in; make and delete them, where the cloud lets you."""


@server_type.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_(client: Client, *, as_json: bool) -> None:
    """List the sizes that the project can use."""
    found = list(client.pages("/server_types", "server_types", limit=100))
    if as_json:
        show.as_json({"server_types": found})
        return
    rows = [
        (
            show.plain(one["name"]),
            str(one["spec"]["cpu_units"]),
            f"{one['spec']['memory_mb']} MB",
            f"{one['spec']['root_disk_gb']} GB",
            one["visibility"],
            show.plain(one["id"]),
        )
        for one in found
    ]
    show.table(
        ["server type", "CPU", "memory", "disk", "for", "id"], rows, empty="There are no server types."
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


@server_type.command()
@click.argument("names", nargs=-1, required=True)
@click.pass_obj
def delete(client: Client, *, names: tuple[str, ...]) -> None:
    """Delete sizes, by their NAMES or ids; servers of them stay as they are."""
    for name in names:
        client.delete(f"/server_types/{segment(name)}")
        click.echo(f"Server type '{name}' is gone.")
