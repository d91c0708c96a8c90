"""`enamel cloud`: the clouds, and how they bear what is asked of them."""

from typing import Any

import click

from enamel.cli import show
from enamel.cli.client import Client, segment


@click.group()
def cloud() -> None:
    """See how clouds bear what is asked of them."""


@cloud.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_(client: Client, *, as_json: bool) -> None:
    """List the clouds of the configuration."""
    found = list(client.pages("/clouds", "clouds", limit=1000))
    if as_json:
        show.as_json({"clouds": found})
        return
    rows = [
        (
            show.plain(one["name"]),
            _state(one),
            str(sum(service["under_way"] for service in one["services"])),
            str(sum(sum(service["waiting"].values()) for service in one["services"])),
            str(sum(service["complaints"] for service in one["services"])),
        )
        for one in found
    ]
    show.table(["cloud", "state", "under way", "waiting", "complaints"], rows, empty="There are no clouds.")


@cloud.command(name="show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def show_(client: Client, *, name: str, as_json: bool) -> None:
    """Show a cloud: the pace of its services, its token's age, what is known of it."""
    found = client.get(f"/clouds/{segment(name)}")
    if as_json:
        show.as_json(found)
        return
    show.facts(
        [
            ("cloud", show.plain(found["name"])),
            ("state", _state(found)),
            ("token since", show.clock(found["token"]["since"]) if found["token"] else "none yet"),
            ("versions", ", ".join(f"{name} {version}" for name, version in found["versions"].items())),
            ("known", ", ".join(f"{one['kind']} ({one['seconds']:.0f} s)" for one in found["cached"])),
        ]
    )
    columns = [
        "service",
        "limit",
        "rate",
        "under way",
        "writes",
        "reads",
        "waits",
        "clean-up",
        "complaints",
        "last",
    ]
    show.table(columns, [_row(one) for one in found["services"]], empty="No service was called yet.")


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    waiting, last = one["waiting"], one["last_complaint"]
    return (
        show.plain(one["service"]),
        f"{one['limit']} of {one['ceiling']}",
        "free" if one["rate"] is None else f"{one['rate']:.1f}/s",
        str(one["under_way"]),
        *(str(waiting[lane]) for lane in ("writes", "reads", "waits", "clean_up")),
        str(one["complaints"]),
        f"{last['trouble']} ({last['status']})" if last else "",
    )


def _state(found: dict[str, Any]) -> str:
    closed = [one for one in found["services"] if one["closed_seconds"] > 0]
    if closed:
        return ", ".join(f"{one['service']} left alone for {one['closed_seconds']:.0f} s" for one in closed)
    if any(one["limit"] * one["processes"] < one["ceiling"] for one in found["services"]):
        return "slowed down"
    return "calm" if found["services"] else "not called yet"
