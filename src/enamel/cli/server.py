"""`enamel server`: launch servers, look at them, do things to them, remove them."""

from pathlib import Path
from typing import Any

import click

from enamel.cli import act, change, launch, outcome, show, tag
from enamel.cli.client import Client
from enamel.cli.pick import find, waiting

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def server() -> None:
    """Launch servers, look at them, do things to them, remove them."""


@server.command()
@click.argument("name", required=False)
@click.option("--count", type=click.IntRange(1, 1000), help="How many; their names get -1, -2 …")
@click.option("--template", help="Image, bootable volume or snapshot, by name or id.")
@click.option("--type", help="Server type by name or id, or what it must have: memory_mb=2048,cpu_units=2.")
@click.option("--public-address", is_flag=True, help="Give each server a public address.")
@click.option("--from", "source", metavar="NETWORK", help="Take the public addresses from this network.")
@click.option("--address", help="Give it an address that is there; see `enamel address`.")
@click.option(
    "--network",
    multiple=True,
    metavar="NET",
    help="auto, none, NAME, NAME=ADDRESS or port=ID; can be repeated.",
)
@click.option("--boot-volume", metavar="SIZE[:TYPE]", help="Boot from a volume of so many gigabytes.")
@click.option("--volume", multiple=True, metavar="SIZE[:TYPE[:NAME]]", help="Add a volume; can be repeated.")
@click.option(
    "--keypair", metavar="NAME[=FILE]", help="The key to put in; a file's key is imported if absent."
)
@click.option(
    "--allow",
    multiple=True,
    metavar="RULE",
    help="What may come in, such as tcp/22 or 'tcp/80-443 from 10.0.0.0/8'.",
)
@click.option("--security-group", multiple=True, help="A security group by name or id; can be repeated.")
@click.option("--user-data", type=FILE, help="A file that is handed to the server.")
@click.option("--property", multiple=True, metavar="KEY=VALUE", help="Metadata; can be repeated.")
@click.option("--tag", multiple=True, help="A tag; can be repeated.")
@click.option("--placement", metavar="PATH", help="Where it goes: cloud/region/zone, or the beginning of it.")
@click.option("--ready-when", metavar="WHAT", help="active, tcp/PORT, http://:PORT/path or https://…")
@click.option("--ttl", help="Take everything away after this time: 90s, 30m, 4h, 2d.")
@click.option("--timeout", help="How long it may take; an hour where nothing is said.")
@click.option(
    "--not-before",
    metavar="WHEN",
    help="When it may begin: 2026-12-24T18:00, or 30m for half an hour from now.",
)
@click.option(
    "--on-failure", type=click.Choice(["rollback", "keep"]), help="What becomes of a server that failed."
)
@click.option("--all-or-nothing", is_flag=True, help="One server's failure undoes the others, too.")
@click.option("--spread", is_flag=True, help="Put the servers on different hosts.")
@click.option("--priority", type=click.Choice(["low", "normal", "high"]), help="How urgent it is.")
@click.option("--notify", multiple=True, metavar="URL", help="Tell this webhook; can be repeated.")
@click.option(
    "--notify-on", multiple=True, metavar="TYPE", help="Only of such events, as in 'task.*'; can be repeated."
)
@click.option("--notify-secret", type=FILE, help="A file with the secret, whsec_…, that signs what is sent.")
@click.option("--file", type=FILE, help="Take the request from a JSON file; options go before it.")
@click.option("--dry-run", is_flag=True, help="Show the plan, and do nothing.")
@waiting
@click.pass_obj
def create(client: Client, /, *, dry_run: bool, wait: bool, as_json: bool, **given: Any) -> int:
    """Launch servers with everything around them.

    For example: enamel server create web --count 3 --template ubuntu-24.04 --type m1.small --public-address
    --volume 10 --keypair me=~/.ssh/id_ed25519.pub --allow tcp/22 --ready-when tcp/22 --wait
    """
    body = launch.body(given)
    if not body:
        raise click.UsageError("Say what to launch: a NAME with --template and --type, or --file.")
    if dry_run:
        return outcome.preview(client.call("POST", "/servers?dry_run=true", body=body).data, as_json=as_json)
    return outcome.accepted(client, client.post("/servers", body), wait=wait, as_json=as_json)


@server.command(name="list")
@click.option("--state", multiple=True, help="Only those in this state, such as ACTIVE; can be repeated.")
@click.option("--project", metavar="ID", help="Of this project, where you are an operator.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_(client: Client, *, state: tuple[str, ...], project: str | None, as_json: bool) -> None:
    """List the servers of the project, on all clouds."""
    wanted = ",".join(word.upper() for word in state)
    silent: dict[str, None] = {}

    def each(page: Any) -> None:
        silent.update({f"Servers may be missing: {one['detail']}": None for one in page["silent"]})

    found = list(
        client.pages("/servers", "servers", each, limit=100, virt_state=wanted or None, project=project)
    )
    for sentence in silent:
        click.echo(sentence, err=True)
    if as_json:
        show.as_json({"servers": found})
        return
    rows = [
        (
            show.plain(one["hostname"]),
            show.state(one["virt_state"]),
            show.addresses(one),
            one["id"],
            show.plain(one["placement"]),
        )
        for one in found
    ]
    show.table(["server", "state", "addresses", "id", "placement"], rows, empty="There are no servers.")


@server.command(name="show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def show_(client: Client, *, name: str, as_json: bool) -> None:
    """Show a server, by its NAME or id."""
    found = find(client, name)
    if as_json:
        show.as_json(found)
        return
    spec, networking = found["spec"], found["networking"]
    volumes = [one["device"] for one in found["block_devices"] if one["type"] == "PERSISTENT"]
    show.facts(
        [
            ("server", show.plain(found["hostname"])),
            ("id", found["id"]),
            ("state", show.state(found["virt_state"])),
            ("power", found["power_state"] or ""),
            ("fault", show.plain(found["fault"])),
            ("addresses", show.addresses(found)),
            *[
                (f"on {show.plain(name)}", ", ".join(filter(None, (one["ip4"], one["ip6"]))))
                for name, one in networking["interfaces"].items()
            ],
            ("size", f"{spec['cpu_units']} CPU, {spec['memory_mb']} MB, {spec['root_disk_gb']} GB"),
            ("volumes", ", ".join(volumes)),
            ("template", found["template_id"] or ""),
            ("keypair", show.plain(found["launch_keypair_id"])),
            ("placement", show.plain(found["placement"])),
            (
                "properties",
                show.plain(", ".join(f"{key}={value}" for key, value in found["properties"].items())),
            ),
            ("tags", show.plain(", ".join(found["tags"]))),
            ("launched", show.clock(found["launched_at"])),
        ]
    )


@server.command()
@click.argument("names", nargs=-1, required=True)
@click.option(
    "--with",
    "along",
    metavar="WHAT",
    help="everything, nothing, or a list of addresses,volumes,ports; what Enamel made for it where not said.",
)
@click.option("--dry-run", is_flag=True, help="Show what would go, and do nothing.")
@waiting
@click.pass_obj
def delete(
    client: Client, *, names: tuple[str, ...], along: str | None, dry_run: bool, wait: bool, as_json: bool
) -> int:
    """Remove servers, by their NAMES or ids, with what was made for them."""
    # All are looked up before the first one goes.
    paths = [f"/servers/{find(client, name)['id']}" for name in names]
    if dry_run:
        query = {"with": along, "dry_run": True}
        return max(outcome.preview(client.delete(path, **query), as_json=as_json) for path in paths)
    tasks = [client.delete(path, **{"with": along}) for path in paths]
    return max(outcome.accepted(client, task, wait=wait, as_json=as_json) for task in tasks)


for command in (*act.COMMANDS, *change.COMMANDS, tag.tag):
    server.add_command(command)
