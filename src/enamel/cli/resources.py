"""The resources of a plan: what each step makes or deletes, with names in place of ids, equal ones counted together."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import Any

from enamel.cli import show, step_names
from enamel.cli.client import Client
from enamel.cli.failure import Failure

Row = tuple[str, str, str]
"""What, how many, and details."""

_NAMED = 3
"""Most names in a row."""


class Names:
    """The names of images, flavors, networks and the like, by their ids; each list is read when it is needed."""

    def __init__(self, client: Client | None) -> None:
        """Take the service to ask; without one, ids stay ids."""
        self._client = client

    def _read(self, path: str, key: str, name: str = "name") -> dict[str, str]:
        if self._client is None:
            return {}
        try:
            return {entry["id"]: str(entry[name]) for entry in self._client.pages(path, key, limit=1000)}
        except Failure:
            return {}

    @cached_property
    def images(self) -> Mapping[str, str]:
        """Return the names of images and of whatever else servers boot from."""
        return self._read("/templates", "templates")

    @cached_property
    def flavors(self) -> Mapping[str, str]:
        """Return the names of server types."""
        return self._read("/server_types", "server_types")

    @cached_property
    def networks(self) -> Mapping[str, str]:
        """Return the names of networks."""
        return self._read("/networks", "networks")

    @cached_property
    def servers(self) -> Mapping[str, str]:
        """Return the names of servers."""
        return self._read("/servers", "servers", name="hostname")

    @cached_property
    def volumes(self) -> Mapping[str, str]:
        """Return the names of volumes."""
        return self._read("/volumes", "volumes")

    @cached_property
    def addresses(self) -> Mapping[str, str]:
        """Return the addresses."""
        return self._read("/addresses", "addresses", name="address")


def rows(plan: Mapping[str, Any], names: Names) -> list[Row]:
    """Return a row for each kind of resource that a plan makes or deletes: equal ones share a row."""
    counted: dict[tuple[str, str], list[str]] = {}
    for node in plan["steps"]:
        for what, name, details in _of(node, plan, names):
            counted.setdefault((what, details), []).append(name)
    return [
        (what, str(len(named)), show.plain("; ".join(filter(None, (_listed(named), details)))))
        for (what, details), named in counted.items()
    ]


def _listed(names: Sequence[str]) -> str:
    known = list(dict.fromkeys(filter(None, names)))
    more = len(known) - _NAMED
    return ", ".join(islice(known, _NAMED)) + (f" and {more} more" if more > 0 else "")


Made = Iterator[tuple[str, str, str]]
"""What, its name, and details."""


def _of(node: Mapping[str, Any], plan: Mapping[str, Any], names: Names) -> Made:
    """Yield what a step makes or deletes."""
    kind, inputs = str(node.get("kind")), node.get("inputs") or {}
    if kind in _MAKES:
        yield from _MAKES[kind](node, inputs, plan, names)
    elif kind == "task.undo":
        yield from _undone(inputs, names)
    elif (name := step_names.of(node)).startswith(("delete ", "remove ")):
        yield name, _deleted(kind, inputs, node, names), ""


def _undone(inputs: Mapping[str, Any], names: Names) -> Made:
    """Yield what is removed by undoing a step."""
    what, outputs = step_names.undone(inputs["of"]), inputs.get("outputs") or {}
    kind = str(inputs["of"]).partition(".")[0]
    made = outputs.get(f"{kind}s") or [outputs]
    places = inputs.get("only")
    for place, record in enumerate(made):
        if places is None or place in places:
            record = record if isinstance(record, Mapping) else {"id": record}
            known = record.get("address") or record.get("name") or _name(kind, record.get("id"), names)
            yield what, str(known), ""


def _deleted(kind: str, inputs: Mapping[str, Any], node: Mapping[str, Any], names: Names) -> str:
    noun = kind.partition(".")[0]
    if noun == "server":
        return str(node.get("group") or _name(noun, inputs.get("id"), names))
    return str(inputs.get("name") or _name(noun, inputs.get("id"), names))


def _name(noun: str, id: Any, names: Names) -> str:
    lists: dict[str, Callable[[], Mapping[str, str]]] = {
        "server": lambda: names.servers,
        "volume": lambda: names.volumes,
        "address": lambda: names.addresses,
    }
    known = lists[noun]() if noun in lists else {}
    return known.get(id) or (id if isinstance(id, str) else "")


def _server(node: Any, inputs: Any, plan: Any, names: Names) -> Made:
    groups = {group["name"]: group for group in plan.get("groups", ())}
    for name in inputs["names"]:
        image = inputs.get("image_id")
        details = [
            f"image {names.images.get(image, image)}" if isinstance(image, str) else "",
            f"flavor {names.flavors.get(inputs['flavor_id'], inputs['flavor_id'])}",
            f"{inputs['cores']} CPU, {inputs['memory_mb']} MB" if inputs.get("cores") else "",
            _placement(groups.get(name), inputs),
            _networks(inputs.get("networks"), names),
            f"keypair {inputs['key_name']}" if isinstance(inputs.get("key_name"), str) else "",
        ]
        yield "create server", name, ", ".join(filter(None, details))


def _placement(group: Mapping[str, Any] | None, inputs: Any) -> str:
    first = (group or {}).get("alternatives") or [{}]
    place = first[0].get("placement") or first[0].get("zone") or inputs.get("zone")
    return f"in {place}" if isinstance(place, str) else ""


def _networks(wanted: Any, names: Names) -> str:
    ids = [entry.get("network_id") for entry in wanted or () if isinstance(entry, Mapping)]
    known = [names.networks.get(id, id) for id in ids if isinstance(id, str)]
    return f"network {', '.join(known)}" if known else ""


def _port(node: Any, inputs: Any, plan: Any, names: Names) -> Made:
    for want in inputs["wants"]:
        network = want["network_id"]
        fixed = f", address {want['fixed_address']}" if isinstance(want.get("fixed_address"), str) else ""
        on = names.networks.get(network, network) if isinstance(network, str) else "the new network"
        yield "create port", want.get("name") or "", f"network {on}{fixed}"


def _address(node: Any, inputs: Any, plan: Any, names: Names) -> Made:
    network = inputs.get("network_id")
    known = names.networks.get(network, network) if isinstance(network, str) else "the external network"
    yield "create floating IP", node.get("group") or "", f"from {known}"


def _volume(node: Any, inputs: Any, plan: Any, names: Names) -> Made:
    image, name = inputs.get("image_id"), inputs.get("name")
    details = [
        f"{inputs['size_gb']} GB",
        f"type {inputs['type']}" if inputs.get("type") else "",
        f"image {names.images.get(image, image)}" if isinstance(image, str) else "",
    ]
    yield "create volume", name if isinstance(name, str) else "", ", ".join(filter(None, details))


def _security_group(node: Any, inputs: Any, plan: Any, names: Names) -> Made:
    yield "create security group", inputs.get("name") or "", ", ".join(map(_rule, inputs.get("rules", ())))


def _rule(rule: Mapping[str, Any]) -> str:
    low, high = rule.get("port_min"), rule.get("port_max")
    ports = "" if low is None else f"/{low}" if low == high else f"/{low}-{high}"
    source = f" from {rule['source']}" if rule.get("source") else ""
    return f"allow {rule.get('protocol') or 'all'}{ports}{source}"


def _named(what: str) -> Callable[..., Made]:
    def made(node: Any, inputs: Any, plan: Any, names: Names) -> Made:
        name = inputs.get("name")
        yield what, name if isinstance(name, str) else "", ""

    return made


_MAKES: dict[str, Callable[..., Made]] = {
    "address.create": _address,
    "address.reserve": _address,
    "image.take": _named("create image"),
    "keypair.import": _named("import keypair"),
    "network.auto": _named("create network"),
    "port.create": _port,
    "security_group.create": _security_group,
    "server.boot": _server,
    "server_group.create": _named("create server group"),
    "volume.create": _volume,
    "volume_snapshot.create": _named("create snapshot"),
}
"""What steps make, by their kinds."""
