"""`enamel quota`: how much the project may have."""

import click

from enamel.cli import show
from enamel.cli.client import Client


@click.group()
def quota() -> None:
    """See how much the project may have."""


@quota.command(name="show")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def show_(client: Client, *, as_json: bool) -> None:
    """Show limits, what is used, and what running tasks are about to take."""
    found = client.get("/quota")
    if as_json:
        show.as_json(found)
        return
    rows = [
        (
            kind,
            "none" if one["limit"] < 0 else str(one["limit"]),
            str(one["used"]),
            str(one["promised"]),
            "any" if one["free"] is None else str(one["free"]),
        )
        for kind, one in found["quotas"].items()
    ]
    show.table(["quota", "limit", "used", "promised", "free"], rows, empty="The cloud tells of no quotas.")
