"""`enamel address`: addresses that outlive servers."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import click

from enamel.cli import confirm, grammar, lookup, options, outcome, preview, show
from enamel.cli.client import Client, segment

COLUMNS: show.Columns = {
    "address": lambda address: str(address["address"]),
    "kind": lambda address: str(address["kind"]),
    "state": lambda address: _state(address),
    "server": lambda address: address["server"] or "",
    "fixed address": lambda address: address["fixed_address"] or "",
    "id": lambda address: str(address["id"]),
}


@click.group(cls=grammar.OnCloud)
def address() -> None:
    """Create, attach, detach and delete addresses that outlive servers. ADDRESS is an address or an id."""


@address.command(name="list")
@click.option("--used/--free", default=None, help="Only attached addresses, or only free ones.")
@options.as_json
@click.pass_obj
def list_(client: Client, *, used: bool | None, as_json: bool) -> None:
    """List the addresses of the project."""
    used_text = None if used is None else str(used).lower()
    addresses = list(client.pages("/addresses", "addresses", limit=100, used=used_text))
    if as_json:
        show.as_json({"addresses": addresses})
        return
    show.records(addresses, COLUMNS, empty="No addresses.")


@address.command(name="show")
@click.argument("address")
@options.as_json
@click.pass_obj
def show_(client: Client, *, address: str, as_json: bool) -> None:
    """Show an address."""
    record = lookup.address(client, address)
    if as_json:
        show.as_json(record)
        return
    show.facts(
        [
            ("address", record["address"]),
            ("id", record["id"]),
            ("kind", record["kind"]),
            ("state", _state(record)),
            ("server", record["server"] or ""),
            ("fixed address", record["fixed_address"] or ""),
            ("network", record["network"]),
            ("cloud", show.plain(record.get("cloud"))),
            ("created by task", record["task"] or ""),
            ("created", show.clock(record["created_at"])),
        ]
    )


@address.command()
@click.option(
    "--address-network",
    metavar="NETWORK",
    help="Network of the address, by name or id. If not set, the external one.",
)
@options.dry_run
@options.waiting
@click.pass_obj
def create(client: Client, *, address_network: str | None, dry_run: bool, wait: bool, as_json: bool) -> int:
    """Create an address: a floating IP, or a port with a fixed address on a cloud without floating IPs."""
    body = {"from": address_network} if address_network is not None else {}
    return _submit(client, "/addresses", body, dry_run=dry_run, wait=wait, as_json=as_json)


@address.command()
@click.argument("address")
@click.argument("server")
@click.option(
    "--fixed-address", metavar="ADDRESS", help="Fixed address of the server. Needed if it has several."
)
@options.dry_run
@options.waiting
@click.pass_obj
def attach(
    client: Client,
    *,
    address: str,
    server: str,
    fixed_address: str | None,
    dry_run: bool,
    wait: bool,
    as_json: bool,
) -> int:
    """Attach an address to a SERVER, by its name or id."""
    body = {"server": server} | ({"fixed_ip": fixed_address} if fixed_address else {})
    path = f"/addresses/{lookup.address(client, address)['id']}/attach"
    return _submit(client, path, body, dry_run=dry_run, wait=wait, as_json=as_json)


@address.command()
@click.argument("address")
@options.dry_run
@options.waiting
@click.pass_obj
def detach(client: Client, *, address: str, dry_run: bool, wait: bool, as_json: bool) -> int:
    """Detach an address from its server, and keep it."""
    path = f"/addresses/{lookup.address(client, address)['id']}/detach"
    return _submit(client, path, None, dry_run=dry_run, wait=wait, as_json=as_json)


@address.command()
@click.argument("addresses", metavar="ADDRESS...", nargs=-1, required=True)
@options.yes
@options.waiting
@click.pass_obj
def delete(client: Client, *, addresses: tuple[str, ...], yes: bool, wait: bool, as_json: bool) -> int:
    """Delete addresses."""
    # All addresses are looked up before the first one is deleted.
    records = {record["id"]: record for record in (lookup.address(client, name) for name in addresses)}
    confirm.destroying(lambda: map(_loss, records.values()), yes=yes)
    requests = [partial(client.delete, f"/addresses/{segment(id)}") for id in records]
    return outcome.submit(client, requests, wait=wait, as_json=as_json)


def _loss(address: show.Record) -> str:
    used = f", which server {address['server']} uses" if address["server"] else ""
    return f"This deletes address {address['address']}{used}."


def _submit(
    client: Client,
    path: str,
    body: Mapping[str, Any] | None,
    *,
    dry_run: bool,
    wait: bool,
    as_json: bool,
) -> int:
    if dry_run:
        return preview.show_one(client, client.post(path, body, dry_run=True), as_json=as_json)
    return outcome.accepted(client, client.post(path, body), wait=wait, as_json=as_json)


def _state(address: show.Record) -> str:
    return "used" if address["used"] else "free"
