"""`enamel server reboot`, `resize`, `attach` and their like: what can be done to a server that is there."""

from collections.abc import Mapping
from typing import Any

import click

from enamel.cli import outcome, show
from enamel.cli.client import Client, segment
from enamel.cli.pick import find, waiting

SIMPLE = {
    "start": ("POWER_ON", "Start servers that were shut down."),
    "stop": ("POWER_OFF", "Shut servers down."),
    "pause": ("PAUSE", "Stop servers where they are, in memory."),
    "unpause": ("UNPAUSE", "Let paused servers go on."),
    "suspend": ("SUSPEND", "Stop servers where they are, on disk."),
    "resume": ("RESUME", "Let suspended servers go on."),
    "unrescue": ("UNRESCUE", "Start rescued servers from their own disks again."),
    "restore": ("RESTORE", "Bring deleted servers back, by their ids, while the cloud still has them."),
    "shelve": ("SHELVE", "Put servers aside as images."),
    "offload": ("SHELVE_OFFLOAD", "Free the hosts of shelved servers."),
    "unshelve": ("UNSHELVE", "Start shelved servers again."),
    "unlock": ("UNLOCK", "Take servers' protection away."),
    "confirm": ("CONFIRM_RESIZE", "Keep the type that servers have on trial."),
    "revert": ("REVERT_RESIZE", "Give servers back the type that they had before their resize."),
}
"""The commands that are told nothing but the servers: what each does, in the API's words and in ours."""

Fields = Mapping[str, Any]


def _act(
    client: Client, names: tuple[str, ...], action: str, fields: Fields, *, wait: bool, as_json: bool
) -> int:
    """Have something done to servers, which are all looked up before the first one is touched."""
    given = {name: value for name, value in fields.items() if value is not None}
    paths = [f"/servers/{find(client, name)['id']}/tasks" for name in names]
    tasks = [client.post(path, {"action": action, **given}) for path in paths]
    return max(outcome.accepted(client, task, wait=wait, as_json=as_json) for task in tasks)


def _simple(name: str, action: str, summary: str) -> click.Command:
    def carry_out(client: Client, *, names: tuple[str, ...], wait: bool, as_json: bool) -> int:
        return _act(client, names, action, {}, wait=wait, as_json=as_json)

    command = waiting(click.pass_obj(carry_out))
    return click.command(name, help=summary)(click.argument("names", nargs=-1, required=True)(command))


@click.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--hard", is_flag=True, help="Switch them off and on, whatever they are doing.")
@waiting
@click.pass_obj
def reboot(client: Client, *, names: tuple[str, ...], hard: bool, wait: bool, as_json: bool) -> int:
    """Have servers start again."""
    action = "HARD_REBOOT" if hard else "REBOOT"
    return _act(client, names, action, {}, wait=wait, as_json=as_json)


@click.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--reason", help="Why, for those who find them locked.")
@waiting
@click.pass_obj
def lock(client: Client, *, names: tuple[str, ...], reason: str | None, wait: bool, as_json: bool) -> int:
    """Protect servers from actions."""
    return _act(client, names, "LOCK", {"reason": reason}, wait=wait, as_json=as_json)


@click.command()
@click.argument("name")
@click.option("--type", required=True, help="The server type, by name or id.")
@click.option("--trial", is_flag=True, help="Leave it on trial: `confirm` keeps it, `revert` gives it up.")
@waiting
@click.pass_obj
def resize(client: Client, *, name: str, type: str, trial: bool, wait: bool, as_json: bool) -> int:
    """Give a server another type."""
    fields = {"type": type, "confirm": False if trial else None}
    return _act(client, (name,), "RESIZE", fields, wait=wait, as_json=as_json)


@click.command()
@click.argument("name")
@click.option("--template", help="The image to start over from; the present one where not given.")
@waiting
@click.pass_obj
def rebuild(client: Client, *, name: str, template: str | None, wait: bool, as_json: bool) -> int:
    """Start a server over from an image; its addresses and volumes stay."""
    return _act(client, (name,), "REBUILD", {"template": template}, wait=wait, as_json=as_json)


@click.command()
@click.argument("name")
@click.option("--template", help="The image to start from; the present one where not given.")
@waiting
@click.pass_obj
def rescue(client: Client, *, name: str, template: str | None, wait: bool, as_json: bool) -> int:
    """Start a server from another image to mend its disk."""
    return _act(client, (name,), "RESCUE", {"template": template}, wait=wait, as_json=as_json)


@click.command()
@click.argument("name")
@click.option("--live/--cold", default=None, help="Whether it goes on running meanwhile; by its state.")
@waiting
@click.pass_obj
def move(client: Client, *, name: str, live: bool | None, wait: bool, as_json: bool) -> int:
    """Move a server to another host; for the cloud's operators."""
    return _act(client, (name,), "MOVE", {"live": live}, wait=wait, as_json=as_json)


@click.command()
@click.argument("name")
@click.option("--name", "called", required=True, help="What the image is called.")
@click.option("--series", help="Make it a backup of this series, such as `daily` …")
@click.option("--keep", type=click.IntRange(1, 1000), help="… of which so many are kept.")
@waiting
@click.pass_obj
def snapshot(
    client: Client,
    *,
    name: str,
    called: str,
    series: str | None,
    keep: int | None,
    wait: bool,
    as_json: bool,
) -> int:
    """Make an image of a server."""
    if (series is None) != (keep is None):
        raise click.UsageError("A backup needs both --series and --keep.")
    action = "SNAPSHOT" if series is None else "BACKUP"
    fields = {"name": called, "kind": series, "keep": keep}
    return _act(client, (name,), action, fields, wait=wait, as_json=as_json)


@click.command()
@click.argument("name")
@click.password_option(help="Asked for where not given; on a command line, others may see it.")
@waiting
@click.pass_obj
def password(client: Client, *, name: str, password: str, wait: bool, as_json: bool) -> int:
    """Change the administrator's password inside a server."""
    return _act(client, (name,), "UPDATE_PASSWORD", {"password": password}, wait=wait, as_json=as_json)


@click.command()
@click.argument("name")
@click.option("--volume", help="A volume that is there, by name or id.")
@click.option("--size", type=click.IntRange(1, 65536), help="Make a new volume of so many gigabytes.")
@click.option("--volume-type", help="The type of the new volume.")
@click.option("--called", help="What the new volume is called.")
@click.option("--network", help="Make a port on this network.")
@click.option("--address", help="The new port's address.")
@click.option("--port", help="A port that is there, by name or id.")
@waiting
@click.pass_obj
def attach(client: Client, /, *, name: str, wait: bool, as_json: bool, **given: Any) -> int:
    """Plug a volume or a network into a server."""
    disk = {
        "volume": given["volume"],
        "size_gb": given["size"],
        "volume_type": given["volume_type"],
        "name": given["called"],
    }
    plug = {"network": given["network"], "fixed_ip": given["address"], "port": given["port"]}
    chosen = [fields for fields in (disk, plug) if any(value is not None for value in fields.values())]
    if len(chosen) != 1:
        raise click.UsageError("Say what to attach: --volume or --size, --network or --port.")
    action = "ATTACH_BLOCK_DEVICE" if chosen[0] is disk else "ATTACH_NETWORK_INTERFACE"
    return _act(client, (name,), action, chosen[0], wait=wait, as_json=as_json)


@click.command()
@click.argument("name")
@click.option("--volume", help="The volume, by name or id.")
@click.option("--delete", is_flag=True, help="Delete the volume once it is free.")
@click.option("--port", help="The port, by name or id.")
@click.option("--address", help="The address whose port goes.")
@waiting
@click.pass_obj
def detach(
    client: Client,
    *,
    name: str,
    volume: str | None,
    delete: bool,
    port: str | None,
    address: str | None,
    wait: bool,
    as_json: bool,
) -> int:
    """Pull a volume or a network out of a server."""
    if sum(one is not None for one in (volume, port, address)) != 1:
        raise click.UsageError("Say what to detach: --volume, --port or --address.")
    if volume is not None:
        fields: Fields = {"volume": volume, "delete": delete or None}
        return _act(client, (name,), "DETACH_BLOCK_DEVICE", fields, wait=wait, as_json=as_json)
    fields = {"port": port, "fixed_ip": address}
    return _act(client, (name,), "DETACH_NETWORK_INTERFACE", fields, wait=wait, as_json=as_json)


@click.command()
@click.argument("name")
@click.option("--lines", type=click.IntRange(1, 100_000), help="Only the last so many lines.")
@click.pass_obj
def log(client: Client, *, name: str, lines: int | None) -> None:
    """Show what a server has written to its console."""
    click.echo(client.get(f"/servers/{find(client, name)['id']}/console_log", lines=lines), nl=False)


@click.command()
@click.argument("name")
@click.option("--type", default="novnc", show_default=True, help="novnc, spice, serial, rdp or mks.")
@click.pass_obj
def console(client: Client, *, name: str, type: str) -> None:
    """Tell where a server's console can be opened."""
    found = client.get(f"/servers/{find(client, name)['id']}/consoles/{segment(type)}")
    click.echo(found["uri"])


@click.command()
@click.argument("name")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def history(client: Client, *, name: str, limit: int, as_json: bool) -> None:
    """List what was done to a server, by tasks and by others; also by the id of one that is gone."""
    id = name if len(name) == 36 and name.count("-") == 4 else find(client, name)["id"]
    found = client.get(f"/servers/{segment(id)}/tasks", limit=limit)
    if as_json:
        show.as_json(found)
        return
    rows = [
        (one["action"], show.state(one["state"]), one["origin"], show.clock(one["created_at"]), one["id"])
        for one in found["tasks"]
    ]
    show.table(["action", "state", "by", "at", "task or request"], rows, empty="Nothing was done to it.")


COMMANDS: tuple[click.Command, ...] = (
    reboot,
    *(_simple(name, action, summary) for name, (action, summary) in SIMPLE.items()),
    lock,
    resize,
    rebuild,
    rescue,
    move,
    snapshot,
    password,
    attach,
    detach,
    log,
    console,
    history,
)
"""What `enamel server` has beside its own commands."""
