"""`enamel keypair`: public keys that servers are given."""

from pathlib import Path

import click

from enamel.cli import show
from enamel.cli.client import Client, segment

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def keypair() -> None:
    """Keep the public keys that servers are given."""


@keypair.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_(client: Client, *, as_json: bool) -> None:
    """List your keypairs."""
    found = list(client.pages("/keypairs", "keypairs", limit=100))
    if as_json:
        show.as_json({"keypairs": found})
        return
    rows = [(show.plain(one["name"]), one["public_key"].split(" ")[0], one["fingerprint"]) for one in found]
    show.table(["keypair", "type", "fingerprint"], rows, empty="There are no keypairs.")


@keypair.command(name="show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def show_(client: Client, *, name: str, as_json: bool) -> None:
    """Show one keypair, by its NAME."""
    found = client.get(f"/keypairs/{segment(name)}")
    if as_json:
        show.as_json(found)
        return
    show.facts(
        [
            ("keypair", show.plain(found["name"])),
            ("fingerprint", found["fingerprint"]),
            ("public key", show.plain(found["public_key"])),
        ]
    )


@keypair.command()
@click.argument("name")
@click.option("--public-key", type=FILE, required=True, metavar="FILE", help="The file with the public key.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def create(client: Client, *, name: str, public_key: Path, as_json: bool) -> None:
    """Import a public key under a NAME."""
    text = public_key.read_text(encoding="utf-8", errors="replace").strip()
    made = client.post("/keypairs", {"name": name, "public_key": text})
    if as_json:
        show.as_json(made)
    else:
        click.echo(f"Keypair '{made['name']}' is there: {made['fingerprint']}")


@keypair.command()
@click.argument("names", nargs=-1, required=True)
@click.pass_obj
def delete(client: Client, *, names: tuple[str, ...]) -> None:
    """Delete keypairs by their NAMES; servers that were given them keep them."""
    for name in names:
        client.delete(f"/keypairs/{segment(name)}")
        click.echo(f"Keypair '{name}' is gone.")
