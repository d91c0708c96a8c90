"""`enamel server add` and `remove`: volumes, networks and ports of existing servers."""

import click

from enamel.cli import confirm, lookup, options, show
from enamel.cli.client import Client
from enamel.cli.failure import Failure
from enamel.cli.server.act import act


@click.command("add volume")
@click.argument("server")
@click.argument("volume", required=False)
@click.option("--size", type=click.IntRange(1, 65536), metavar="GB", help="Create a volume of this size.")
@click.option("--volume-type", help="Type of the new volume. If not set, the cloud's default.")
@click.option("--volume-name", help="Name of the new volume.")
@options.waiting
@click.pass_obj
def add_volume(
    client: Client,
    *,
    server: str,
    volume: str | None,
    size: int | None,
    volume_type: str | None,
    volume_name: str | None,
    wait: bool,
    as_json: bool,
) -> int:
    """Attach a volume to a server: an existing VOLUME, by name or id, or a new one."""
    if (volume is None) == (size is None):
        raise click.UsageError("Name a VOLUME, or create one with --size.")
    fields = {"volume": volume, "size_gb": size, "volume_type": volume_type, "name": volume_name}
    return act(client, (server,), "ATTACH_BLOCK_DEVICE", fields, wait=wait, as_json=as_json)


@click.command("remove volume")
@click.argument("server")
@click.argument("volume")
@click.option("--delete", is_flag=True, help="Delete the volume after it is detached.")
@options.yes
@options.waiting
@click.pass_obj
def remove_volume(
    client: Client, *, server: str, volume: str, delete: bool, yes: bool, wait: bool, as_json: bool
) -> int:
    """Detach a volume, by name or id, from a server."""
    if delete:
        confirm.destroying(lambda: [f"This deletes volume {volume} with everything on it."], yes=yes)
    fields = {"volume": volume, "delete": delete or None}
    return act(client, (server,), "DETACH_BLOCK_DEVICE", fields, wait=wait, as_json=as_json)


@click.command("add network")
@click.argument("server")
@click.argument("network")
@click.option("--address", help="Fixed address of the new port. If not set, the cloud chooses one.")
@options.waiting
@click.pass_obj
def add_network(
    client: Client, *, server: str, network: str, address: str | None, wait: bool, as_json: bool
) -> int:
    """Attach a server to a network, by name or id, with a new port."""
    fields = {"network": network, "fixed_ip": address}
    return act(client, (server,), "ATTACH_NETWORK_INTERFACE", fields, wait=wait, as_json=as_json)


@click.command("remove network")
@click.argument("server")
@click.argument("network", required=False)
@click.option("--address", help="Fixed address of the port to detach, in place of NETWORK.")
@options.waiting
@click.pass_obj
def remove_network(
    client: Client, *, server: str, network: str | None, address: str | None, wait: bool, as_json: bool
) -> int:
    """Detach a server from a network, by name or id."""
    if (network is None) == (address is None):
        raise click.UsageError("Name a NETWORK, or the port's --address.")
    if network is not None:
        address = _address_on(client, lookup.server(client, server), network)
    return act(
        client, (server,), "DETACH_NETWORK_INTERFACE", {"fixed_ip": address}, wait=wait, as_json=as_json
    )


def _address_on(client: Client, server: show.Record, network: str) -> str:
    """Return the fixed address that a server has on a network. Raises Failure."""
    interfaces = server["networking"]["interfaces"].values()
    names = {record["id"]: record["name"] for record in client.pages("/networks", "networks", limit=1000)}
    name = names.get(network, network)
    attached = [interface for interface in interfaces if interface["network"] == name]
    if not attached:
        raise Failure(
            f"Server '{server['hostname']}' is not attached to a network '{network}'.",
            f"Its networks: {', '.join(interface['network'] for interface in interfaces) or 'none'}.",
        )
    if len(attached) > 1:
        listed = ", ".join(address for interface in attached for address in interface["addresses"])
        raise Failure(
            f"Server '{server['hostname']}' is attached to network '{network}' several times.",
            f"Name the port's --address: one of {listed}.",
        )
    return str(attached[0]["addresses"][0])


@click.command("add port")
@click.argument("server")
@click.argument("port")
@options.waiting
@click.pass_obj
def add_port(client: Client, *, server: str, port: str, wait: bool, as_json: bool) -> int:
    """Attach an existing port, by name or id, to a server."""
    return act(client, (server,), "ATTACH_NETWORK_INTERFACE", {"port": port}, wait=wait, as_json=as_json)


@click.command("remove port")
@click.argument("server")
@click.argument("port")
@options.waiting
@click.pass_obj
def remove_port(client: Client, *, server: str, port: str, wait: bool, as_json: bool) -> int:
    """Detach a port, by name or id, from a server."""
    return act(client, (server,), "DETACH_NETWORK_INTERFACE", {"port": port}, wait=wait, as_json=as_json)


COMMANDS = (add_volume, remove_volume, add_network, remove_network, add_port, remove_port)
"""Commands of the group `enamel server`."""
