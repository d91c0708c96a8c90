"""`enamel volume`: block devices that outlive servers."""

from typing import Any

import click

from enamel.cli import outcome, pick, show, volume_snapshot
from enamel.cli.client import Client


@click.group()
def volume() -> None:
    """Make volumes, look at them, delete them."""


@volume.command(name="list")
@click.option("--state", multiple=True, help="Only those in this state, such as available; can be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_(client: Client, *, state: tuple[str, ...], as_json: bool) -> None:
    """List the volumes of the project."""
    wanted = ",".join(word.lower() for word in state) or None
    found = list(client.pages("/volumes", "volumes", limit=100, state=wanted))
    if as_json:
        show.as_json({"volumes": found})
        return
    rows = [
        (
            show.plain(one["name"]),
            f"{one['size_gb']} GB",
            show.plain(one["state"]),
            show.plain(one["type"]),
            ", ".join(one["attached_to"]),
            one["id"],
        )
        for one in found
    ]
    header = ["volume", "size", "state", "type", "attached to", "id"]
    show.table(header, rows, empty="There are no volumes.")


@volume.command(name="show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def show_(client: Client, *, name: str, as_json: bool) -> None:
    """Show one volume, by its NAME or id."""
    found = client.get(f"/volumes/{pick.volume(client, name)}")
    if as_json:
        show.as_json(found)
        return
    show.facts(
        [
            ("volume", show.plain(found["name"])),
            ("id", found["id"]),
            ("size", f"{found['size_gb']} GB"),
            ("state", show.plain(found["state"])),
            ("type", show.plain(found["type"])),
            ("bootable", "yes" if found["bootable"] else "no"),
            ("attached to", ", ".join(found["attached_to"])),
            ("zone", show.plain(found["zone"])),
        ]
    )


@volume.command()
@click.argument("name")
@click.option("--size", type=click.IntRange(1), required=True, metavar="GB", help="How many gigabytes.")
@click.option("--type", help="The volume type; the cloud chooses where none is named.")
@click.option("--template", help="An image whose bytes it gets; it can then be booted from.")
@click.option("--dry-run", is_flag=True, help="Show the plan, and do nothing.")
@pick.waiting
@click.pass_obj
def create(
    client: Client, /, *, name: str, size: int, dry_run: bool, wait: bool, as_json: bool, **more: Any
) -> int:
    """Make a volume with a NAME."""
    body = {"name": name, "size_gb": size, **{key: value for key, value in more.items() if value is not None}}
    if dry_run:
        return outcome.preview(client.post("/volumes", body, dry_run=True), as_json=as_json)
    return outcome.accepted(client, client.post("/volumes", body), wait=wait, as_json=as_json)


@volume.command()
@click.argument("names", nargs=-1, required=True)
@pick.waiting
@click.pass_obj
def delete(client: Client, *, names: tuple[str, ...], wait: bool, as_json: bool) -> int:
    """Delete volumes, by their NAMES or ids."""
    # All are looked up before the first one goes.
    known = list(client.pages("/volumes", "volumes", limit=1000))
    ids = [pick.one(known, name, what="volume") for name in names]
    tasks = [client.delete(f"/volumes/{id}") for id in ids]
    return max(outcome.accepted(client, task, wait=wait, as_json=as_json) for task in tasks)


for snapshots in (volume_snapshot.snapshot, volume_snapshot.snapshots, volume_snapshot.delete_snapshot):
    volume.add_command(snapshots)
