"""`enamel volume snapshot …`: snapshots of volumes."""

import click

from enamel.cli import confirm, lookup, options, outcome, preview, show
from enamel.cli.client import Client

COLUMNS: show.Columns = {
    "snapshot": lambda snapshot: show.plain(snapshot["name"]),
    "size": lambda snapshot: f"{snapshot['size_gb']} GB",
    "state": lambda snapshot: show.plain(snapshot["state"]),
    "created": lambda snapshot: show.clock(snapshot["created_at"]),
    "id": lambda snapshot: str(snapshot["id"]),
}


@click.command()
@click.argument("volume")
@click.option("--name", required=True, help="Name of the snapshot.")
@click.option("--description", help="Description of the snapshot.")
@options.dry_run
@options.waiting
@click.pass_obj
def snapshot(
    client: Client,
    /,
    *,
    volume: str,
    name: str,
    description: str | None,
    dry_run: bool,
    wait: bool,
    as_json: bool,
) -> int:
    """Create a snapshot of a volume, which may be in use."""
    path = f"/volumes/{lookup.volume(client, volume)}/snapshots"
    body = {"name": name} | ({"description": description} if description else {})
    if dry_run:
        return preview.show_one(client, client.post(path, body, dry_run=True), as_json=as_json)
    return outcome.accepted(client, client.post(path, body), wait=wait, as_json=as_json)


@click.command()
@click.argument("volume")
@options.as_json
@click.pass_obj
def snapshots(client: Client, *, volume: str, as_json: bool) -> None:
    """List the snapshots of a volume."""
    path = f"/volumes/{lookup.volume(client, volume)}/snapshots"
    snapshots = list(client.pages(path, "snapshots", limit=100))
    if as_json:
        show.as_json({"snapshots": snapshots})
        return
    show.records(snapshots, COLUMNS, empty="No snapshots.")


@click.command(name="delete-snapshot")
@click.argument("volume")
@click.argument("snapshot")
@options.yes
@options.waiting
@click.pass_obj
def delete_snapshot(
    client: Client, *, volume: str, snapshot: str, yes: bool, wait: bool, as_json: bool
) -> int:
    """Delete a SNAPSHOT, by its name or id, of a volume."""
    path = f"/volumes/{lookup.volume(client, volume)}/snapshots"
    snapshots = list(client.pages(path, "snapshots", limit=1000))
    id = lookup.id_of(snapshots, snapshot, noun="snapshot")
    confirm.destroying(lambda: [f"This deletes snapshot {snapshot} of volume {volume}."], yes=yes)
    task = client.delete(f"{path}/{id}")
    return outcome.accepted(client, task, wait=wait, as_json=as_json)


COMMANDS = (snapshot, snapshots, delete_snapshot)
"""Commands of the group `enamel volume`."""
