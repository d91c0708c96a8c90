"""The resolved server: one server of a launch with everything that it names looked up."""

from msgspec import Struct

from enamel.commands.launch import (
    disk,
    interface,
    keys_and_rules,
    placement,
    public_address,
    template,
)
from enamel.commands.launch.disk import Data
from enamel.commands.launch.interface import Interface
from enamel.commands.launch.placement import Spot
from enamel.commands.launch.public_address import PublicAddress
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
    """None if the server boots from an existing volume, or from one that is made of `boot_image_id`."""
    boot_image_id: str | None = None
    """Image whose bytes the boot volume gets."""
    disks: tuple[Data, ...] = ()
    interfaces: tuple[Interface, ...] | None = None
    """None: no network at all."""
    public: PublicAddress | None = None
    """None: no floating IP leads to it."""
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

    @property
    def needs_own_ports(self) -> bool:
        """Tell whether its ports have to be made before it: Nova chooses the subnets by itself."""
        return any(interface.subnet_id for interface in self.interfaces or ())


def choose(member: RequestedServer, lookup: Lookup) -> ResolvedServer | None:
    """Return a server with everything looked up; None if faults leave nothing to plan with."""
    body = member.request
    before = len(lookup.faults)
    flavor = template.flavor(member, lookup)
    image, volume = template.template(member, lookup)
    if flavor and image:
        template.check_fit(member, lookup, size=flavor, image=image)
    plugged = interface.interfaces(member, lookup)
    public = public_address.choose(member, plugged, lookup)
    plugged = public_address.narrowed(plugged, public)
    address = interface.own(member, lookup.facts)
    if address is not None:
        plugged = interface.with_address(plugged, address)
    keys_and_rules.check_groups(member, plugged, lookup)
    affinity = body.affinity
    disks = disk.disks(member, volume, lookup)
    key = keys_and_rules.key(member, lookup)
    rules = keys_and_rules.rules(member, lookup)
    groups = keys_and_rules.groups(member, lookup)
    places = placement.spots(member, lookup)
    near = _peers(member, affinity.near if affinity else None, "near", lookup)
    apart = _peers(member, affinity.not_near if affinity else None, "not_near", lookup)
    if len(lookup.faults) > before or flavor is None or (image is None and volume is None):
        return None
    return ResolvedServer(
        hostname=member.hostname,
        flavor=flavor,
        image_id=image.id if image and not body.boot_volume else None,
        boot_image_id=image.id if image and body.boot_volume else None,
        disks=disks,
        interfaces=plugged,
        public=public,
        key=key,
        rules=rules,
        security_groups=groups,
        user_data=body.user_data,
        spots=places,
        properties=tuple(sorted((body.properties or {}).items())),
        # Nova refuses a list with a tag in it twice.
        tags=tuple(dict.fromkeys(body.tags or ())),
        same_host=near,
        different_host=apart,
        spread=bool(body.spread or (affinity and affinity.spread)),
        ready_when=body.ready_when or "active",
    )


def _peers(member: RequestedServer, peers: Peers | None, name: str, lookup: Lookup) -> tuple[str, ...]:
    """Return the ids of the servers near which a server is to be, or apart from which."""
    if peers is None:
        return ()
    servers = lookup.facts.servers
    known = {server.id for server in servers}
    pointer = f"{member.at('affinity')}/{name}"
    for number, id in enumerate(peers.server_ids):
        if id not in known:
            lookup.fault(f"{pointer}/server_ids/{number}", f"There is no server '{id}'.", "unknown")
    ids = list(peers.server_ids)
    for number, tag in enumerate(peers.server_tags):
        tagged = [server.id for server in servers if tag in server.tags]
        if not tagged and name == "near":
            lookup.fault(f"{pointer}/server_tags/{number}", f"No server has the tag '{tag}'.", "unknown")
        ids += tagged
    return tuple(dict.fromkeys(ids))
