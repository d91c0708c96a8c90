"""`enamel cloud`: the clouds, and the pace of the calls to their services."""

import click

from enamel.cli import grammar, options, show
from enamel.cli.client import Client, segment

COLUMNS: show.Columns = {
    "cloud": lambda cloud: show.plain(cloud["name"]),
    "state": lambda cloud: _state(cloud),
    "running": lambda cloud: str(sum(service["under_way"] for service in cloud["services"])),
    "waiting": lambda cloud: str(sum(sum(service["waiting"].values()) for service in cloud["services"])),
    "overloads": lambda cloud: str(sum(service["complaints"] for service in cloud["services"])),
}
SERVICE_COLUMNS: show.Columns = {
    "service": lambda service: show.plain(service["service"]),
    "limit": lambda service: f"{service['limit']} of {service['ceiling']}",
    "rate": lambda service: "unlimited" if service["rate"] is None else f"{service['rate']:.1f}/s",
    "running": lambda service: str(service["under_way"]),
    "writes": lambda service: str(service["waiting"]["writes"]),
    "reads": lambda service: str(service["waiting"]["reads"]),
    "waits": lambda service: str(service["waiting"]["waits"]),
    "clean-up": lambda service: str(service["waiting"]["clean_up"]),
    "overloads": lambda service: str(service["complaints"]),
    "latest": lambda service: _latest(service),
}


@click.group(cls=grammar.Words)
def cloud() -> None:
    """Show the clouds, and the pace of the calls to their services."""


@cloud.command(name="list")
@options.as_json
@click.pass_obj
def list_(client: Client, *, as_json: bool) -> None:
    """List the configured clouds, the default one first: their calls that run and wait, and signs of overload."""
    clouds = list(client.pages("/clouds", "clouds", limit=1000))
    if as_json:
        show.as_json({"clouds": clouds})
        return
    rows = [[text(record) for text in COLUMNS.values()] for record in clouds]
    show.table(list(COLUMNS), rows, empty="No clouds.")


@cloud.command(name="show")
@click.argument("name")
@options.as_json
@click.pass_obj
def show_(client: Client, *, name: str, as_json: bool) -> None:
    """Show a cloud: the pace of its services, its token, the API versions, what is cached."""
    cloud = client.get(f"/clouds/{segment(name)}")
    if as_json:
        show.as_json(cloud)
        return
    show.facts(
        [
            ("cloud", show.plain(cloud["name"])),
            ("state", _state(cloud)),
            ("token since", show.clock(cloud["token"]["since"]) if cloud["token"] else "no token yet"),
            ("versions", show.listed(f"{name} {version}" for name, version in cloud["versions"].items())),
            ("cached", show.listed(f"{list['kind']} ({list['seconds']:.0f} s)" for list in cloud["cached"])),
        ]
    )
    if cloud["unusable"]:
        click.echo(_why(cloud["unusable"]), err=True)
    show.records(cloud["services"], SERVICE_COLUMNS, empty="No calls yet.")


def _why(unusable: show.Record) -> str:
    since = f"Since {show.clock(unusable['since'])}: " if unusable["since"] else ""
    problem = unusable["problem"]
    return f"{since}{problem['detail']} {problem['remedy']}"


def _latest(service: show.Record) -> str:
    latest = service["last_complaint"]
    return f"{latest['trouble']} ({latest['status']})" if latest else ""


def _state(cloud: show.Record) -> str:
    if cloud["unusable"]:
        return "unusable"
    paused = [service for service in cloud["services"] if service["closed_seconds"] > 0]
    if paused:
        return ", ".join(
            f"calls to {service['service']} paused for {service['closed_seconds']:.0f} s"
            for service in paused
        )
    if any(service["limit"] * service["processes"] < service["ceiling"] for service in cloud["services"]):
        return "throttled"
    return "ok" if cloud["services"] else "no calls yet"
