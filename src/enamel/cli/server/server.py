"""`enamel server`: create, list, show and delete servers; its other commands are in the modules beside this one."""

from functools import partial
from typing import Any

import click

from enamel.cli import confirm, grammar, lookup, options, outcome, preview, show
from enamel.cli.client import Client
from enamel.cli.server import action, attach, change, console, launch, resize, tag

COLUMNS: show.Columns = {
    "server": lambda server: show.plain(server["hostname"]),
    "state": lambda server: show.state(server["virt_state"]),
    "flavor": lambda server: show.plain(server["type"] or server["type_id"]),
    "addresses": show.addresses,
    "id": lambda server: str(server["id"]),
    "zone": lambda server: show.plain(server["placement"]),
}


@click.group(cls=grammar.OnCloud)
def server() -> None:
    """Create, list, change and delete servers. SERVER is a name or an id."""


@server.command()
@click.argument("name", required=False)
@click.option("--count", type=click.IntRange(1, 1000), help="Number of servers; their names end in -1, -2 …")
@click.option("--image", "--template", "template", help="Image, bootable volume or snapshot, by name or id.")
@click.option(
    "--flavor",
    "--type",
    "type",
    help="Flavor (server type) by name or id, or its least size: memory_mb=2048,cpu_units=2.",
)
@click.option("--public-address", is_flag=True, help="Give each server a public address.")
@click.option(
    "--address-network",
    metavar="NETWORK",
    help="Network of the public addresses, by name or id. Implies --public-address.",
)
@click.option("--address", help="Existing public address for the server; see `enamel address`.")
@click.option(
    "--network",
    multiple=True,
    metavar="NETWORK",
    help="Network by name or id: NAME, or NAME=ADDRESS for a fixed address; or port=ID, auto, none. Can be repeated.",
)
@click.option(
    "--nic",
    multiple=True,
    metavar="NIC",
    help="Interface as `openstack` spells it: net-id=UUID[,v4-fixed-ip=ADDRESS], port-id=UUID, auto or none. "
    "Can be repeated.",
)
@click.option(
    "--boot-volume",
    "--boot-from-volume",
    metavar="GB[:TYPE]",
    help="Boot from a new volume of this size and type.",
)
@click.option(
    "--volume",
    multiple=True,
    metavar="GB[:TYPE[:NAME]]",
    help="Attach a new volume of this size, type and name. Can be repeated.",
)
@click.option(
    "--key-name",
    "--keypair",
    "keypair",
    metavar="NAME[=FILE]",
    help="Keypair to inject. With =FILE, the public key in the file is imported if there is no keypair of this name.",
)
@click.option(
    "--allow",
    multiple=True,
    metavar="RULE",
    help="Incoming traffic to allow, such as tcp/22 or 'tcp/80-443 from 10.0.0.0/8'. Can be repeated.",
)
@click.option("--security-group", multiple=True, help="Security group by name or id. Can be repeated.")
@click.option("--user-data", type=options.FILE, help="File with the user data of the servers.")
@click.option("--property", multiple=True, metavar="KEY=VALUE", help="Metadata. Can be repeated.")
@click.option("--tag", multiple=True, help="Tag. Can be repeated.")
@click.option(
    "--placement", metavar="PATH", help="Where to launch: cloud, cloud/region or cloud/region/zone."
)
@click.option("--availability-zone", metavar="ZONE", help="Availability zone, by its name.")
@click.option(
    "--ready-when",
    metavar="CHECK",
    help="When a server counts as ready: active, tcp/PORT, http://:PORT/path or https://:PORT/path.  [default: active]",
)
@click.option("--ttl", help="Time after which everything is deleted again: 90s, 30m, 4h, 2d.")
@click.option("--timeout", help="Time after which the launch fails: 90s, 30m.  [default: 1h]")
@click.option(
    "--not-before", metavar="TIME", help="Earliest start: 2026-12-24T18:00, or 30m for half an hour from now."
)
@click.option(
    "--on-failure",
    type=click.Choice(["rollback", "keep"], case_sensitive=False),
    help="What happens to a server that failed.  [default: rollback]",
)
@click.option("--all-or-nothing", is_flag=True, help="Roll all servers back if one of them fails.")
@click.option("--spread", is_flag=True, help="Put the servers on different hosts.")
@click.option(
    "--priority",
    type=click.Choice(["low", "normal", "high"], case_sensitive=False),
    help="Priority among waiting tasks.  [default: normal]",
)
@click.option("--notify", multiple=True, metavar="URL", help="Webhook that gets the events. Can be repeated.")
@click.option(
    "--notify-on",
    multiple=True,
    metavar="TYPE",
    help="Type of events to send, such as 'task.*'. If not set, all. Can be repeated.",
)
@click.option(
    "--notify-secret", type=options.FILE, help="File with the secret, whsec_…, that signs the events."
)
@click.option("--file", type=options.FILE, help="JSON file with the request; options override the file.")
@options.dry_run
@options.waiting
@click.pass_obj
def create(client: Client, /, *, dry_run: bool, wait: bool, as_json: bool, **given: Any) -> int:
    """Create servers with everything around them.

    For example: enamel server create web --count 3 --image ubuntu-24.04 --flavor m1.small --public-address
    --volume 10 --key-name me=~/.ssh/id_ed25519.pub --allow tcp/22 --ready-when tcp/22 --wait
    """
    zone = given.pop("availability_zone")
    if zone is not None:
        if given["placement"] is not None:
            raise click.UsageError("--availability-zone and --placement exclude each other.")
        given["placement"] = lookup.zone(client, zone)
    body = launch.body(given)
    if not body:
        raise click.UsageError("Give a NAME with --image and --flavor, or --file.")
    if dry_run:
        return preview.show_one(client, client.post("/servers", body, dry_run=True), as_json=as_json)
    return outcome.accepted(client, client.post("/servers", body), wait=wait, as_json=as_json)


@server.command(name="list")
@click.option("--state", multiple=True, help="Only servers in this state, such as ACTIVE. Can be repeated.")
@click.option("--project", metavar="ID", help="Only servers of this project; requires the role admin.")
@options.as_json
@click.pass_obj
def list_(client: Client, *, state: tuple[str, ...], project: str | None, as_json: bool) -> None:
    """List the servers of the project, on all clouds."""
    states = ",".join(word.upper() for word in state) or None
    warnings: dict[str, None] = {}

    def warn(page: Any) -> None:
        warnings.update({f"Some servers may be missing: {cloud['detail']}": None for cloud in page["silent"]})

    servers = list(client.pages("/servers", "servers", warn, limit=1000, virt_state=states, project=project))
    for warning in warnings:
        click.echo(warning, err=True)
    if as_json:
        show.as_json({"servers": servers})
        return
    show.records(servers, COLUMNS, empty="No servers.")


@server.command(name="show")
@click.argument("server")
@options.as_json
@click.pass_obj
def show_(client: Client, *, server: str, as_json: bool) -> None:
    """Show a server."""
    record = lookup.server(client, server)
    if as_json:
        show.as_json(record)
        return
    spec = record["spec"]
    volumes = [disk["device"] for disk in record["block_devices"] if disk["type"] == "PERSISTENT"]
    show.facts(
        [
            ("server", show.plain(record["hostname"])),
            ("id", record["id"]),
            ("state", show.state(record["virt_state"])),
            ("power", record["power_state"] or ""),
            ("fault", show.plain(record["fault"])),
            ("addresses", show.addresses(record)),
            *[
                (
                    f"on {show.plain(key)}",
                    ", ".join(filter(None, (*interface["addresses"], interface["mac"]))),
                )
                for key, interface in record["networking"]["interfaces"].items()
            ],
            ("flavor", show.plain(record["type"] or record["type_id"])),
            ("size", f"{spec['cpu_units']} CPU, {spec['memory_mb']} MB, {spec['root_disk_gb']} GB"),
            ("volumes", ", ".join(volumes)),
            ("image", record["template_id"] or ""),
            ("keypair", show.plain(record["keypair"])),
            ("cloud", show.plain(record.get("cloud"))),
            ("zone", show.plain(record["placement"])),
            ("properties", show.pairs(record["properties"])),
            ("tags", show.listed(record["tags"])),
            ("launched", show.clock(record["launched_at"])),
        ]
    )


@server.command()
@click.argument("servers", metavar="SERVER...", nargs=-1, required=True)
@click.option(
    "--with",
    "along",
    metavar="WHAT",
    help="What to delete as well: everything, nothing, or a list of addresses,volumes,ports. If not set, everything that "
    "Enamel made for the server.",
)
@options.timeout
@options.yes
@options.dry_run
@options.waiting
@click.pass_obj
def delete(
    client: Client,
    *,
    servers: tuple[str, ...],
    along: str | None,
    timeout: str | None,
    yes: bool,
    dry_run: bool,
    wait: bool,
    as_json: bool,
) -> int:
    """Delete servers, with what was made for them.

    On a terminal, the command says what goes and asks whether to go on.
    """
    # All servers are looked up before the first one is deleted.
    records = {record["id"]: record for record in (lookup.server(client, name) for name in servers)}
    paths = [f"/servers/{id}" for id in records]
    query = {"with": along, "timeout": timeout}

    def previews() -> list[show.Record]:
        return [client.delete(target, **query, dry_run=True) for target in paths]

    if dry_run:
        return preview.show_all(client, previews(), as_json=as_json)
    confirm.destroying(lambda: preview.losses(client, previews()), yes=yes)
    requests = [partial(client.delete, target, **query) for target in paths]
    return outcome.submit(client, requests, wait=wait, as_json=as_json)


for command in (
    *action.COMMANDS,
    *resize.COMMANDS,
    *attach.COMMANDS,
    *console.COMMANDS,
    *change.COMMANDS,
    tag.tag,
):
    server.add_command(command)
