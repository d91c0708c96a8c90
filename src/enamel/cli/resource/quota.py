"""`enamel quota`: the quotas of the project."""

import click

from enamel.cli import grammar, options, show
from enamel.cli.client import Client


@click.group(cls=grammar.OnCloud)
def quota() -> None:
    """Show the quotas of the project."""


@quota.command(name="show")
@options.as_json
@click.pass_obj
def show_(client: Client, *, as_json: bool) -> None:
    """Show the limit, the usage and what running tasks have reserved of each quota."""
    answer = client.get("/quota")
    if as_json:
        show.as_json(answer)
        return
    rows = [
        (
            kind,
            "none" if quota["limit"] < 0 else str(quota["limit"]),
            str(quota["used"]),
            str(quota["reserved"]),
            "unlimited" if quota["free"] is None else str(quota["free"]),
        )
        for kind, quota in answer["quota"].items()
    ]
    show.table(["quota", "limit", "used", "reserved", "free"], rows, empty="The cloud has no quotas.")
