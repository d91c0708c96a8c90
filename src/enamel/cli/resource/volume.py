"""`enamel volume`: volumes that outlive servers."""

from functools import partial
from typing import Any

import click

from enamel.cli import confirm, grammar, lookup, options, outcome, preview, show
from enamel.cli.client import Client
from enamel.cli.resource import volume_snapshot

COLUMNS: show.Columns = {
    "volume": lambda volume: show.plain(volume["name"]),
    "size": lambda volume: f"{volume['size_gb']} GB",
    "state": lambda volume: show.plain(volume["state"]),
    "type": lambda volume: show.plain(volume["type"]),
    "attached to": lambda volume: ", ".join(volume["attached_to"]),
    "id": lambda volume: str(volume["id"]),
}


@click.group(cls=grammar.OnCloud)
def volume() -> None:
    """Create, list, show and delete volumes and their snapshots. VOLUME is a name or an id."""


@volume.command(name="list")
@click.option(
    "--state", multiple=True, help="Only volumes in this state, such as AVAILABLE. Can be repeated."
)
@options.as_json
@click.pass_obj
def list_(client: Client, *, state: tuple[str, ...], as_json: bool) -> None:
    """List the volumes of the project."""
    states = ",".join(word.upper().replace("-", "_") for word in state) or None
    volumes = list(client.pages("/volumes", "volumes", limit=100, state=states))
    if as_json:
        show.as_json({"volumes": volumes})
        return
    show.records(volumes, COLUMNS, empty="No volumes.")


@volume.command(name="show")
@click.argument("volume")
@options.as_json
@click.pass_obj
def show_(client: Client, *, volume: str, as_json: bool) -> None:
    """Show a volume."""
    record = client.get(f"/volumes/{lookup.volume(client, volume)}")
    if as_json:
        show.as_json(record)
        return
    show.facts(
        [
            ("volume", show.plain(record["name"])),
            ("id", record["id"]),
            ("size", f"{record['size_gb']} GB"),
            ("state", show.plain(record["state"])),
            ("type", show.plain(record["type"])),
            ("bootable", "yes" if record["bootable"] else "no"),
            ("attached to", ", ".join(record["attached_to"])),
            ("cloud", show.plain(record.get("cloud"))),
            ("zone", show.plain(record["zone"])),
        ]
    )


@volume.command()
@click.argument("name")
@click.option("--size", type=click.IntRange(1), required=True, metavar="GB", help="Size in gigabytes.")
@click.option("--type", help="Volume type. If not set, the cloud's default.")
@click.option(
    "--image", "--template", "template", help="Image to copy to the volume, which makes it bootable."
)
@options.dry_run
@options.waiting
@click.pass_obj
def create(
    client: Client, /, *, name: str, size: int, dry_run: bool, wait: bool, as_json: bool, **more: Any
) -> int:
    """Create a volume with a NAME."""
    body = {"name": name, "size_gb": size, **{key: value for key, value in more.items() if value is not None}}
    if dry_run:
        return preview.show_one(client, client.post("/volumes", body, dry_run=True), as_json=as_json)
    return outcome.accepted(client, client.post("/volumes", body), wait=wait, as_json=as_json)


@volume.command()
@click.argument("volumes", metavar="VOLUME...", nargs=-1, required=True)
@options.timeout
@options.yes
@options.waiting
@click.pass_obj
def delete(
    client: Client, *, volumes: tuple[str, ...], timeout: str | None, yes: bool, wait: bool, as_json: bool
) -> int:
    """Delete volumes."""
    # All volumes are looked up before the first one is deleted.
    records = list(client.pages("/volumes", "volumes", limit=1000))
    ids = dict.fromkeys(lookup.id_of(records, name, noun="volume") for name in volumes)
    by_id = {record["id"]: record for record in records}
    confirm.destroying(lambda: [_loss(by_id[id]) for id in ids], yes=yes)
    requests = [partial(client.delete, f"/volumes/{id}", timeout=timeout) for id in ids]
    return outcome.submit(client, requests, wait=wait, as_json=as_json)


def _loss(volume: show.Record) -> str:
    return (
        f"This deletes volume {volume['name'] or volume['id']} ({volume['size_gb']} GB, {volume['state']})."
    )


for command in volume_snapshot.COMMANDS:
    volume.add_command(command)
