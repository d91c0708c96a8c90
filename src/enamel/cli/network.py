"""`enamel network`: where servers can be plugged in."""

import click

from enamel.cli import show
from enamel.cli.client import Client


@click.group()
def network() -> None:
    """See where servers can be plugged in."""


@network.command(name="list")
@click.option(
    "--external/--internal", default=None, help="Only those that public addresses come from, or the others."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_(client: Client, *, external: bool | None, as_json: bool) -> None:
    """List the networks that the project may see."""
    wanted = None if external is None else str(external).lower()
    found = list(client.pages("/networks", "networks", limit=100, external=wanted))
    if as_json:
        show.as_json({"networks": found})
        return
    rows = [
        (
            show.plain(one["name"]),
            ", ".join(word for word in ("external", "shared", "default") if one[word]),
            ", ".join(subnet["cidr"] for subnet in one["subnets"]),
            one["id"],
        )
        for one in found
    ]
    show.table(["network", "is", "addresses", "id"], rows, empty="There are no networks.")
