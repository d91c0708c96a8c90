"""`enamel keypair`: public keys for servers."""

from pathlib import Path

import click

from enamel.cli import confirm, grammar, options, outcome, show
from enamel.cli.client import Client, segment

COLUMNS: show.Columns = {
    "keypair": lambda keypair: show.plain(keypair["name"]),
    "type": lambda keypair: keypair["public_key"].split(" ")[0],
    "fingerprint": lambda keypair: str(keypair["fingerprint"]),
}


@click.group(cls=grammar.OnCloud)
def keypair() -> None:
    """Import, list, show and delete public keys for servers."""


@keypair.command(name="list")
@options.as_json
@click.pass_obj
def list_(client: Client, *, as_json: bool) -> None:
    """List your keypairs."""
    keypairs = list(client.pages("/keypairs", "keypairs", limit=100))
    if as_json:
        show.as_json({"keypairs": keypairs})
        return
    show.records(keypairs, COLUMNS, empty="No keypairs.")


@keypair.command(name="show")
@click.argument("name")
@options.as_json
@click.pass_obj
def show_(client: Client, *, name: str, as_json: bool) -> None:
    """Show a keypair."""
    keypair = client.get(f"/keypairs/{segment(name)}")
    if as_json:
        show.as_json(keypair)
        return
    show.facts(
        [
            ("keypair", show.plain(keypair["name"])),
            ("cloud", show.plain(keypair.get("cloud"))),
            ("fingerprint", keypair["fingerprint"]),
            ("public key", show.plain(keypair["public_key"])),
        ]
    )


@keypair.command()
@click.argument("name")
@click.option(
    "--public-key", type=options.FILE, required=True, metavar="FILE", help="File with the public key."
)
@options.as_json
@click.pass_obj
def create(client: Client, *, name: str, public_key: Path, as_json: bool) -> None:
    """Import a public key under a NAME."""
    text = public_key.read_text(encoding="utf-8", errors="replace").strip()
    keypair = client.post("/keypairs", {"name": name, "public_key": text})
    if as_json:
        show.as_json(keypair)
    else:
        click.echo(f"Created keypair {keypair['name']} ({keypair['fingerprint']})")


@keypair.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@options.yes
@options.as_json
@click.pass_obj
def delete(client: Client, *, names: tuple[str, ...], yes: bool, as_json: bool) -> None:
    """Delete keypairs; servers that have their keys keep them."""
    confirm.destroying(lambda: [f"This deletes keypair {name}." for name in names], yes=yes)
    outcome.deleted(
        client, {name: f"/keypairs/{segment(name)}" for name in names}, "keypair", as_json=as_json
    )
