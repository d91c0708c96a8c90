"""`enamel address`: addresses that outlive servers."""

from collections.abc import Mapping
from typing import Any

import click

from enamel.cli import outcome, show
from enamel.cli.client import Client, segment
from enamel.cli.failure import Failure
from enamel.cli.pick import waiting


@click.group()
def address() -> None:
    """Get addresses that outlive servers, have them lead to servers, give them back."""


@address.command(name="list")
@click.option(
    "--used/--free", default=None, help="Only those that lead somewhere, or only those that do not."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_(client: Client, *, used: bool | None, as_json: bool) -> None:
    """List the addresses of the project."""
    wanted = None if used is None else str(used).lower()
    found = list(client.pages("/addresses", "addresses", limit=100, used=wanted))
    if as_json:
        show.as_json({"addresses": found})
        return
    rows = [
        (
            one["address"],
            one["kind"],
            "used" if one["used"] else "free",
            one["server"] or "",
            one["fixed_address"] or "",
            one["id"],
        )
        for one in found
    ]
    header = ["address", "kind", "state", "server", "leads to", "id"]
    show.table(header, rows, empty="There are no addresses.")


@address.command(name="show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def show_(client: Client, *, name: str, as_json: bool) -> None:
    """Show one address, by itself or by its id."""
    found = _find(client, name)
    if as_json:
        show.as_json(found)
        return
    show.facts(
        [
            ("address", found["address"]),
            ("id", found["id"]),
            ("kind", found["kind"]),
            ("state", "used" if found["used"] else "free"),
            ("server", found["server"] or ""),
            ("leads to", found["fixed_address"] or ""),
            ("network", found["network"]),
            ("made by task", found["task"] or ""),
            ("since", show.clock(found["created_at"])),
        ]
    )


@address.command()
@click.option("--from", "source", metavar="NETWORK", help="The network that it comes from, by name or id.")
@click.option("--dry-run", is_flag=True, help="Show the plan, and do nothing.")
@waiting
@click.pass_obj
def create(client: Client, *, source: str | None, dry_run: bool, wait: bool, as_json: bool) -> int:
    """Get an address: a floating IP, or a port with a fixed address where the cloud has none."""
    body = {"from": source} if source is not None else {}
    return _ask(client, "/addresses", body, dry_run=dry_run, wait=wait, as_json=as_json)


@address.command()
@click.argument("name")
@click.argument("server")
@click.option("--fixed-address", metavar="ADDRESS", help="The server's own address, where it has several.")
@click.option("--dry-run", is_flag=True, help="Show the plan, and do nothing.")
@waiting
@click.pass_obj
def attach(
    client: Client,
    *,
    name: str,
    server: str,
    fixed_address: str | None,
    dry_run: bool,
    wait: bool,
    as_json: bool,
) -> int:
    """Have an address lead to a SERVER, by its name or id."""
    body = {"server": server} | ({"fixed_ip": fixed_address} if fixed_address else {})
    path = f"/addresses/{_find(client, name)['id']}/attach"
    return _ask(client, path, body, dry_run=dry_run, wait=wait, as_json=as_json)


@address.command()
@click.argument("name")
@click.option("--dry-run", is_flag=True, help="Show the plan, and do nothing.")
@waiting
@click.pass_obj
def detach(client: Client, *, name: str, dry_run: bool, wait: bool, as_json: bool) -> int:
    """Have an address lead nowhere, and keep it."""
    path = f"/addresses/{_find(client, name)['id']}/detach"
    return _ask(client, path, None, dry_run=dry_run, wait=wait, as_json=as_json)


@address.command()
@click.argument("names", nargs=-1, required=True)
@waiting
@click.pass_obj
def delete(client: Client, *, names: tuple[str, ...], wait: bool, as_json: bool) -> int:
    """Give addresses back, by themselves or by their ids."""
    # All are looked up before the first one goes.
    ids = [_find(client, name)["id"] for name in names]
    tasks = [client.delete(f"/addresses/{segment(id)}") for id in ids]
    return max(outcome.accepted(client, task, wait=wait, as_json=as_json) for task in tasks)


def _ask(
    client: Client,
    path: str,
    body: Mapping[str, Any] | None,
    *,
    dry_run: bool,
    wait: bool,
    as_json: bool,
) -> int:
    if dry_run:
        return outcome.preview(client.post(path, body, dry_run=True), as_json=as_json)
    return outcome.accepted(client, client.post(path, body), wait=wait, as_json=as_json)


def _find(client: Client, name: str) -> dict[str, Any]:
    """Return the one address that is written like this, or has this id.

    Raises:
        Failure: There is none, or several networks have it.

    """
    known = list(client.pages("/addresses", "addresses", limit=1000))
    found = [one for one in known if name in (one["id"], one["address"])]
    if len(found) > 1:
        ids = ", ".join(one["id"] for one in found)
        raise Failure(
            f"{name} is {len(found)} addresses on different networks: name one by its id, of {ids}."
        )
    if not found:
        raise Failure(f"There is no address '{name}'.", "`enamel address list` shows those there are.")
    return dict(found[0])
