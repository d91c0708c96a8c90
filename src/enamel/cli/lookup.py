"""Look-ups: the resource that has a name or an id."""

from collections.abc import Sequence

from enamel.cli import show
from enamel.cli.client import Client, segment
from enamel.cli.failure import Exit, Failure


def id_of(records: Sequence[show.Record], name: str, *, noun: str) -> str:
    """Return the id of the one resource that has an id or a name.

    Raises:
        Failure: None has it, or several have the name.

    """
    ids = [record["id"] for record in records if record["id"] == name]
    ids = ids or [record["id"] for record in records if record["name"] == name]
    if not ids:
        raise Failure(f"No {noun} '{name}'.")
    return str(_only(ids, name, noun=noun))


def volume(client: Client, name: str) -> str:
    """Return the id of the volume that has a name or an id. Raises Failure."""
    return id_of(list(client.pages("/volumes", "volumes", limit=1000)), name, noun="volume")


def server(client: Client, name: str) -> show.Record:
    """Return the server that has a name or an id.

    Raises:
        Failure: None has it, or several have the name.

    """
    servers = client.pages("/servers", "servers", limit=1000)
    named = {record["id"]: record for record in servers if record["hostname"] == name}
    if named:
        server: show.Record = named[_only(list(named), name, noun="server")]
        return server
    try:
        server = client.get(f"/servers/{segment(name)}")
    except Failure as error:
        if error.code is Exit.UNREACHABLE:
            raise
        raise Failure(f"No server '{name}'.", "`enamel server list` lists the servers.") from None
    return server


def address(client: Client, name: str) -> show.Record:
    """Return the address that is written like this, or has this id.

    Raises:
        Failure: None is, or several networks have it.

    """
    addresses = client.pages("/addresses", "addresses", limit=1000)
    by_id = {record["id"]: record for record in addresses if name in (record["id"], record["address"])}
    if not by_id:
        raise Failure(f"No address '{name}'.", "`enamel address list` lists the addresses.")
    address: show.Record = by_id[_only(list(by_id), name, noun="address")]
    return address


def zone(client: Client, name: str) -> str:
    """Return the path of the zone that has a name: on the chosen cloud, or else on the first one that has it.

    Raises:
        Failure: No zone has the name, or zones of several regions have it.

    """
    placements = client.pages("/placements", "placements", limit=1000)
    paths = [record["path"] for record in placements if record["kind"] == "ZONE" and record["name"] == name]
    # The default cloud is listed first.
    cloud = client.cloud or (_cloud(paths[0]) if paths else None)
    paths = [path for path in paths if _cloud(path) == cloud]
    if not paths:
        raise Failure(f"No availability zone '{name}'.", "`enamel placement tree` shows the zones.")
    if len(paths) > 1:
        raise Failure(
            f"Several availability zones are called '{name}'.", f"Use --placement: {', '.join(paths)}."
        )
    return str(paths[0])


def _cloud(path: str) -> str:
    return path.partition("/")[0]


def _only(ids: Sequence[str], name: str, *, noun: str) -> str:
    """Return the only id. Raises Failure."""
    if len(ids) > 1:
        raise Failure(
            f"'{name}' is ambiguous: it fits {show.count(len(ids), noun)}. Use an id: {', '.join(ids)}."
        )
    return ids[0]
