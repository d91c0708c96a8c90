"""`enamel server reboot`, `lock`, `shelve` and the like: actions on existing servers."""

from functools import partial

import click

from enamel.cli import confirm, lookup, options, outcome, progress, show
from enamel.cli.client import Client, segment
from enamel.cli.server.act import act, path, simple

SIMPLE = {
    "start": ("POWER_ON", "Start servers that were shut down."),
    "stop": ("POWER_OFF", "Shut servers down."),
    "pause": ("PAUSE", "Pause servers and keep their state in memory."),
    "unpause": ("UNPAUSE", "Continue paused servers."),
    "suspend": ("SUSPEND", "Suspend servers and keep their state on disk."),
    "resume": ("RESUME", "Resume suspended servers."),
    "unrescue": ("UNRESCUE", "Boot rescued servers from their own disks again."),
    "restore": ("RESTORE", "Restore deleted servers by their ids, while the cloud still keeps them."),
    "unshelve": ("UNSHELVE", "Start shelved servers again."),
    "unlock": ("UNLOCK", "Unlock servers."),
}
"""The commands that need nothing but servers: the action of the API, and the help."""


@click.command()
@click.argument("servers", metavar="SERVER...", nargs=-1, required=True)
@click.option("--hard", is_flag=True, help="Power-cycle the servers, whatever they are doing.")
@options.waiting
@click.pass_obj
def reboot(client: Client, *, servers: tuple[str, ...], hard: bool, wait: bool, as_json: bool) -> int:
    """Reboot servers."""
    return act(client, servers, "HARD_REBOOT" if hard else "REBOOT", wait=wait, as_json=as_json)


@click.command()
@click.argument("servers", metavar="SERVER...", nargs=-1, required=True)
@click.option("--reason", help="Reason for the lock, which is shown to others.")
@options.waiting
@click.pass_obj
def lock(client: Client, *, servers: tuple[str, ...], reason: str | None, wait: bool, as_json: bool) -> int:
    """Lock servers, so that their state cannot be changed."""
    return act(client, servers, "LOCK", {"reason": reason}, wait=wait, as_json=as_json)


@click.command()
@click.argument("servers", metavar="SERVER...", nargs=-1, required=True)
@click.option(
    "--offload",
    is_flag=True,
    help="Also free the hosts of the servers. Servers that are not shelved yet are shelved first, which the command "
    "waits for.",
)
@options.waiting
@click.pass_obj
def shelve(client: Client, *, servers: tuple[str, ...], offload: bool, wait: bool, as_json: bool) -> int:
    """Shelve servers: shut them down and keep them as images."""
    if not offload:
        return act(client, servers, "SHELVE", wait=wait, as_json=as_json)
    records = [lookup.server(client, name) for name in servers]
    requests = [partial(_offload, client, server, as_json=as_json) for server in records]
    return outcome.submit(client, requests, wait=wait, as_json=as_json)


def _offload(client: Client, server: show.Record, *, as_json: bool) -> show.Record:
    """Begin to free the host of a server, which is shelved first unless it is already, and return the last task for it."""
    target = f"/servers/{server['id']}"
    if server["virt_state"] != "SHELVED":
        shelved = progress.follow(
            client, client.post(f"{target}/tasks", {"action": "SHELVE"}), as_json=as_json
        )
        # Many clouds offload what is shelved by themselves, at once.
        if progress.verdict(shelved) or client.get(target)["virt_state"] != "SHELVED":
            return shelved
    task: show.Record = client.post(f"{target}/tasks", {"action": "SHELVE_OFFLOAD"})
    return task


@click.command()
@click.argument("server")
@click.option("--image", "--template", "template", help="Image to rebuild from. If not set, the present one.")
@options.yes
@options.waiting
@click.pass_obj
def rebuild(
    client: Client, *, server: str, template: str | None, yes: bool, wait: bool, as_json: bool
) -> int:
    """Rebuild a server from an image; its addresses and volumes stay."""
    question = f"Rebuilding server {server} deletes everything on its root disk."
    confirm.destroying(lambda: [question], yes=yes)
    return act(client, (server,), "REBUILD", {"template": template}, wait=wait, as_json=as_json)


@click.command()
@click.argument("server")
@click.option("--image", "--template", "template", help="Image to boot from. If not set, the present one.")
@options.waiting
@click.pass_obj
def rescue(client: Client, *, server: str, template: str | None, wait: bool, as_json: bool) -> int:
    """Boot a server from another image to repair its disk."""
    return act(client, (server,), "RESCUE", {"template": template}, wait=wait, as_json=as_json)


@click.command()
@click.argument("server")
@click.option(
    "--live-migration",
    "--live/--cold",
    "live",
    default=None,
    help="Whether the server keeps running meanwhile. If not set, its state decides.",
)
@options.waiting
@click.pass_obj
def migrate(client: Client, *, server: str, live: bool | None, wait: bool, as_json: bool) -> int:
    """Migrate a server to another host; most clouds require the role admin."""
    return act(client, (server,), "MOVE", {"live": live}, wait=wait, as_json=as_json)


@click.command()
@click.argument("server")
@click.option("--name", required=True, help="Name of the image.")
@click.option("--series", help="Make a backup of this series, such as `daily`. Needs --keep.")
@click.option("--keep", type=click.IntRange(1, 1000), help="Number of backups of the series to keep.")
@options.waiting
@click.pass_obj
def snapshot(
    client: Client,
    *,
    server: str,
    name: str,
    series: str | None,
    keep: int | None,
    wait: bool,
    as_json: bool,
) -> int:
    """Create an image of a server."""
    if (series is None) != (keep is None):
        raise click.UsageError("A backup needs both --series and --keep.")
    action = "SNAPSHOT" if series is None else "BACKUP"
    fields = {"name": name, "kind": series, "keep": keep}
    return act(client, (server,), action, fields, wait=wait, as_json=as_json)


@click.command()
@click.argument("server")
@click.password_option(
    help="New password. If not set, the command asks for it; others may see it on a command line."
)
@options.waiting
@click.pass_obj
def password(client: Client, *, server: str, password: str, wait: bool, as_json: bool) -> int:
    """Change the administrator's password inside a server."""
    return act(client, (server,), "UPDATE_PASSWORD", {"password": password}, wait=wait, as_json=as_json)


@click.command()
@click.argument("server")
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=20,
    show_default=True,
    help="Most entries to list, the newest first.",
)
@options.as_json
@click.pass_obj
def history(client: Client, *, server: str, limit: int, as_json: bool) -> None:
    """List the actions on a server, by tasks and by others; a deleted server is found by its id."""
    is_id = len(server) == 36 and server.count("-") == 4
    target = f"/servers/{segment(server)}" if is_id else path(client, server)
    page = client.get(f"{target}/tasks", limit=limit)
    if as_json:
        show.as_json(page)
        return
    rows = [
        (
            entry["action"],
            show.state(entry["state"]),
            entry["origin"].lower(),
            show.clock(entry["created_at"]),
            entry["id"],
        )
        for entry in page["tasks"]
    ]
    show.table(["action", "state", "by", "at", "task or request"], rows, empty="No actions.")


COMMANDS: tuple[click.Command, ...] = (
    reboot,
    *(simple(name, action, summary) for name, (action, summary) in SIMPLE.items()),
    lock,
    shelve,
    rebuild,
    rescue,
    migrate,
    snapshot,
    password,
    history,
)
"""Commands of the group `enamel server`."""
