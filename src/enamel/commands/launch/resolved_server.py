"""The choice: one server of a launch with everything that it names looked up."""

from msgspec import Struct

from enamel.commands.launch import disk, interface, keys_and_rules, placement, template
from enamel.commands.launch.disk import Data
from enamel.commands.launch.interface import Interface
from enamel.commands.launch.placement import Spot
from enamel.commands.launch.server_request import RequestedServer
from enamel.commands.lookup import Lookup
from enamel.flow.expressions import Expression
from enamel.model import cloud
from enamel.model.launch import KeypairChoice, Peers


class ResolvedServer(Struct, frozen=True, kw_only=True):
    """One server with everything looked up."""

    hostname: str
    flavor: cloud.Flavor
    image_id: str | None = None
    """None where the server boots from a volume that is there, or from one that is made of `boot_image_id`."""
    boot_image_id: str | None = None
    """Image whose bytes the boot volume gets."""
    disks: tuple[Data, ...] = ()
    interfaces: tuple[Interface, ...] | None = None
    """None: no network at all."""
    public_from: str | None = None
    """External network that a new public address comes from."""
    public_address: cloud.Address | None = None
    """Address of the project that is to be moved here."""
    key: KeypairChoice | None = None
    rules: tuple[cloud.Rule, ...] = ()
    security_groups: tuple[str, ...] | None = None
    """Ids; None means the project's default."""
    user_data: str | Expression | None = None
    """As base64; an expression where outputs of other steps are part of it."""
    spots: tuple[Spot, ...] = ()
    properties: tuple[tuple[str, str], ...] = ()
    tags: tuple[str, ...] = ()
    same_host: tuple[str, ...] = ()
    different_host: tuple[str, ...] = ()
    spread: bool = False
    ready_when: str = "active"


def choose(member: RequestedServer, look: Lookup) -> ResolvedServer | None:
    """Return a server's choices; None where faults leave nothing to plan with."""
    wish = member.wish
    before = len(look.faults)
    flavor = template.flavor(member, look)
    image, volume = template.template(member, look)
    if flavor and image:
        template.check_fit(member, look, size=flavor, image=image)
    plugged = interface.interfaces(member, look)
    public_from, address = interface.public(member, plugged, look)
    if address is not None and address.kind is cloud.AddressKind.PORT:
        plugged, address = interface.with_address(plugged, address), None
    affinity = wish.affinity
    disks = disk.disks(member, volume, look)
    key = keys_and_rules.key(member, look)
    rules = keys_and_rules.rules(member, look)
    groups = keys_and_rules.groups(member, look)
    places = placement.spots(member, look)
    near = _peers(member, affinity.near if affinity else None, "near", look)
    apart = _peers(member, affinity.not_near if affinity else None, "not_near", look)
    if len(look.faults) > before or flavor is None or (image is None and volume is None):
        return None
    return ResolvedServer(
        hostname=member.hostname,
        flavor=flavor,
        image_id=image.id if image and not wish.boot_volume else None,
        boot_image_id=image.id if image and wish.boot_volume else None,
        disks=disks,
        interfaces=plugged,
        public_from=public_from,
        public_address=address,
        key=key,
        rules=rules,
        security_groups=groups,
        user_data=wish.user_data,
        spots=places,
        properties=tuple(sorted((wish.properties or {}).items())),
        # Nova refuses a list with a tag in it twice.
        tags=tuple(dict.fromkeys(wish.tags or ())),
        same_host=near,
        different_host=apart,
        spread=bool(wish.spread or (affinity and affinity.spread)),
        ready_when=wish.ready_when or "active",
    )


def _peers(member: RequestedServer, peers: Peers | None, name: str, look: Lookup) -> tuple[str, ...]:
    """Return the ids of the servers that a server is to be near to, or apart from."""
    if peers is None:
        return ()
    servers = look.facts.servers
    known = {one.id for one in servers}
    where = f"{member.at('affinity')}/{name}"
    for number, id in enumerate(peers.server_ids):
        if id not in known:
            look.fault(f"{where}/server_ids/{number}", f"There is no server '{id}'.", "unknown")
    ids = list(peers.server_ids)
    for number, tag in enumerate(peers.server_tags):
        tagged = [one.id for one in servers if tag in one.tags]
        if not tagged and name == "near":
            look.fault(f"{where}/server_tags/{number}", f"No server has the tag '{tag}'.", "unknown")
        ids += tagged
    return tuple(dict.fromkeys(ids))
