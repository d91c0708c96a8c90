"""The fleet: the servers of a launch, each with its own fields and the defaults put together and checked.

All that can be checked without a cloud is checked here.
"""

import base64
import binascii
import random
import re
from collections.abc import Iterator

import msgspec
from msgspec import Struct

from enamel.commands import reading
from enamel.model import cloud, duration, ids, readiness
from enamel.model.errors import Fault
from enamel.model.launch import Defaults, KeypairChoice, Launch, ServerWish

LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
PATTERN = re.compile(r"%\(rand_num\)([1-9])d")
USER_DATA_BYTES = 65535
SHARED = ("template", "type", "placement", "keypair")
"""Fields that have a twin `<field>_id`, which takes ids only."""


class Member(Struct, frozen=True, kw_only=True):
    """One server of the fleet."""

    hostname: str
    wish: ServerWish
    pointer: str
    """Where the server stands in the body; faults of defaults are shown there, too."""
    own: frozenset[str] = frozenset()
    """The fields that the server has itself, and not from the defaults."""
    common: str = ""
    """Where the defaults stand in the body."""
    rules: tuple["ParsedRule", ...] = ()

    def at(self, name: str) -> str:
        """Return the pointer to a field, where it was given."""
        return f"{self.pointer if name in self.own else self.common}/{name}"


class ParsedRule(Struct, frozen=True, kw_only=True):
    """A rule of `allow`, its group not yet looked up."""

    rule: cloud.Rule
    group: str | None = None
    """Name or id of the security group that may come in."""
    pointer: str = ""


class Fleet(Struct, frozen=True, kw_only=True):
    """The servers of a launch."""

    members: tuple[Member, ...]
    numbered: bool
    """Whether they are equal but for names that Nova would give as well: base-1, base-2 …"""
    faults: tuple[Fault, ...] = ()


def read(launch: Launch, *, seed: int) -> Fleet:
    """Return the fleet that a launch describes, with every fault that shows without a cloud."""
    faults: list[Fault] = []
    common, where = _common(launch, faults)
    if launch.servers is not None:
        if launch.count is not None or launch.name is not None:
            faults.append(_fault("/servers", "Use either `servers`, or `name` and `count`, not both."))
        members = [_member(common, where, one, f"/servers/{n}") for n, one in enumerate(launch.servers)]
    else:
        members = [
            Member(hostname=name, wish=common, pointer="", common=where) for name in _names(launch, common)
        ]
    members = _named(members, common, seed=seed, where=where, faults=faults)
    faults += _whole(launch)
    seen: set[tuple[str, str]] = set()
    checked = []
    for member in members:
        found, parsed = _check(member)
        faults += [one for one in found if (one.pointer, one.detail) not in seen]
        seen |= {(one.pointer, one.detail) for one in found}
        checked.append(msgspec.structs.replace(member, rules=parsed))
    faults += _doubles(checked)
    numbered = launch.servers is None and len(members) > 1 and launch.hostname is None
    return Fleet(members=tuple(checked), numbered=numbered and bool(launch.name), faults=tuple(faults))


def _fault(pointer: str, detail: str, code: str = "invalid") -> Fault:
    return Fault(pointer=pointer, detail=detail, code=code)


def _common(launch: Launch, faults: list[Fault]) -> tuple[Defaults, str]:
    """Return the defaults and where they stand: in `defaults`, or flat in the body."""
    flat = {
        name: getattr(launch, name)
        for name in Defaults.__struct_fields__
        if getattr(launch, name) is not None
    }
    if launch.defaults is None:
        return Defaults(**flat), ""
    faults += [
        _fault(f"/{name}", "Put this into `defaults`, where the other common fields are.") for name in flat
    ]
    return launch.defaults, "/defaults"


def _member(common: Defaults, where: str, own: ServerWish, pointer: str) -> Member:
    """Return a server with what it does not say itself taken from the defaults."""
    said = {name for name in own.__struct_fields__ if getattr(own, name) is not None}
    for name in SHARED:
        # `type` of a server beats `type_id` of the defaults, and the other way round.
        if {name, f"{name}_id"} & said:
            said |= {name, f"{name}_id"}
    merged = {name: getattr(own if name in said else common, name) for name in ServerWish.__struct_fields__}
    return Member(
        hostname=own.hostname or "",
        wish=ServerWish(**merged),
        pointer=pointer,
        own=frozenset(said),
        common=where,
    )


def _names(launch: Launch, common: Defaults) -> list[str]:
    """Return the host names of the short form."""
    count = launch.count or 1
    base = launch.name or common.hostname or ""
    if not base:
        return [""] * count
    return [base] if count == 1 else [f"{base}-{number + 1}" for number in range(count)]


def _named(
    members: list[Member], common: Defaults, *, seed: int, where: str, faults: list[Fault]
) -> list[Member]:
    """Return the members with the names that the pattern gives to those that have none."""
    pattern = common.hostname_pattern
    if pattern is not None and not PATTERN.search(pattern):
        faults.append(
            _fault(
                f"{where}/hostname_pattern",
                "Write %(rand_num)Nd where N random digits are to stand, for example web-%(rand_num)5d.",
            )
        )
        pattern = None
    drawn = _draw(pattern, random.Random(seed), {member.hostname for member in members}) if pattern else None
    found = []
    for member in members:
        name = member.hostname
        if not name and drawn is not None:
            name = next(drawn, "")
        if not name:
            wanted = f"{member.pointer}/hostname" if member.pointer else "/name"
            faults.append(_fault(wanted, "Give the server a name.", "required"))
        found.append(msgspec.structs.replace(member, hostname=name))
    return found


def _draw(pattern: str, dice: random.Random, taken: set[str]) -> Iterator[str]:
    """Yield host names of a pattern, none of them twice; it ends when there are no more."""
    digits = int(PATTERN.search(pattern)[1])  # type: ignore[index]
    for number in dice.sample(range(10**digits), k=min(10**digits, 5000)):
        name = PATTERN.sub(f"{number:0{digits}d}", pattern)
        if name not in taken:
            yield name


def _whole(launch: Launch) -> list[Fault]:
    """Return the faults of what is said of the launch as a whole."""
    faults = []
    for name in ("ttl", "timeout"):
        text = getattr(launch, name)
        if text is not None:
            try:
                duration.parse(text)
            except ValueError as exc:
                faults.append(_fault(f"/{name}", f"{exc}."))
    return faults


def _check(member: Member) -> tuple[list[Fault], tuple[ParsedRule, ...]]:
    """Return a server's faults that show without a cloud, and its rules."""
    wish, faults = member.wish, list[Fault]()
    if member.hostname and not LABEL.fullmatch(member.hostname):
        at = f"{member.pointer}/hostname" if member.pointer else "/name"
        faults.append(
            _fault(
                at,
                f"'{member.hostname}' is not a host name: letters, digits and dashes, at most 63, "
                "no dash at either end.",
            )
        )
    for name in SHARED:
        id = getattr(wish, f"{name}_id")
        if id is not None and getattr(wish, name) is not None:
            faults.append(_fault(member.at(f"{name}_id"), f"Use either `{name}` or `{name}_id`, not both."))
        if id is not None and name != "keypair" and not ids.is_id(id) and name != "type":
            faults.append(_fault(member.at(f"{name}_id"), f"'{id}' is not an id; names go into `{name}`."))
    if wish.template is None and wish.template_id is None:
        faults.append(
            _fault(
                member.at("template"),
                "Say what the server starts from: an image, a bootable volume or a snapshot.",
                "required",
            )
        )
    if wish.type is None and wish.type_id is None:
        faults.append(
            _fault(member.at("type"), "Say how large the server is to be: a server type.", "required")
        )
    faults += (
        _check_user_data(member) + _check_key(member) + _check_labels(member) + _check_interfaces(member)
    )
    faults += _check_volumes(member)
    if wish.ready_when is not None and readiness.parse(wish.ready_when) is None:
        faults.append(
            _fault(
                member.at("ready_when"), "Write active, tcp/PORT, http://:PORT/path or https://:PORT/path."
            )
        )
    rules = []
    for number, text in enumerate(wish.allow or ()):
        pointer = f"{member.at('allow')}/{number}"
        try:
            rule, group = reading.rule(text)
            rules.append(ParsedRule(rule=rule, group=group, pointer=pointer))
        except ValueError as exc:
            faults.append(_fault(pointer, f"{exc}."))
    return faults, tuple(rules)


def _check_user_data(member: Member) -> list[Fault]:
    if member.wish.user_data is None:
        return []
    try:
        size = len(base64.b64decode(member.wish.user_data, validate=True))
    except (binascii.Error, ValueError):
        return [_fault(member.at("user_data"), "User data must be base64.")]
    if size > USER_DATA_BYTES:
        return [
            _fault(member.at("user_data"), f"User data may be {USER_DATA_BYTES} bytes; these are {size}.")
        ]
    return []


def _check_key(member: Member) -> list[Fault]:
    choice = member.wish.keypair
    if isinstance(choice, str) and not choice:
        return [_fault(member.at("keypair"), "Name a keypair, or leave the field out.")]
    if not isinstance(choice, KeypairChoice) or choice.public_key is None:
        return []
    problem = reading.key_fault(choice.public_key)
    return [_fault(f"{member.at('keypair')}/public_key", problem)] if problem else []


def _check_labels(member: Member) -> list[Fault]:
    """Return the faults of tags and properties."""
    faults = []
    for number, tag in enumerate(member.wish.tags or ()):
        if not 1 <= len(tag) <= 50 or "/" in tag or "," in tag:
            faults.append(
                _fault(
                    f"{member.at('tags')}/{number}",
                    f"'{tag[:60]}' is not a tag: 1 to 50 characters, without / and comma.",
                )
            )
    for key, value in (member.wish.properties or {}).items():
        where = f"{member.at('properties')}/{key[:60].replace('~', '~0').replace('/', '~1')}"
        if not 1 <= len(key) <= 255 or len(value) > 255:
            faults.append(_fault(where, "Names of properties have 1 to 255 characters, values at most 255."))
        elif key == "enamel":
            faults.append(
                _fault(where, "The name `enamel` is kept for the mark that Enamel finds its servers by.")
            )
    return faults


def _check_interfaces(member: Member) -> list[Fault]:
    networks = member.wish.networks
    where = member.at("networks")
    if isinstance(networks, str):
        known = networks in {"auto", "none"}
        return [] if known else [_fault(where, 'Write "auto", "none" or a list of networks.')]
    faults = []
    for number, one in enumerate(networks or ()):
        if isinstance(one, str):
            continue
        if (one.network is None) == (one.port is None):
            faults.append(_fault(f"{where}/{number}", "Name either a `network` or a `port`."))
        if one.port is not None and (one.subnet or one.fixed_ip):
            faults.append(_fault(f"{where}/{number}", "A port has its subnet and address already."))
        if one.fixed_ip is not None and not reading.is_address(one.fixed_ip):
            faults.append(_fault(f"{where}/{number}/fixed_ip", f"'{one.fixed_ip}' is not an IP address."))
    return faults


def _check_volumes(member: Member) -> list[Fault]:
    faults = []
    for number, one in enumerate(member.wish.volumes or ()):
        where = f"{member.at('volumes')}/{number}"
        if (one.size_gb is None) == (one.volume is None):
            faults.append(
                _fault(where, "Give either `size_gb` for a new volume or `volume` for one that is there.")
            )
        if one.volume is not None and (one.type or one.name):
            faults.append(_fault(where, "An existing volume has its type and name already."))
    return faults


def _doubles(members: list[Member]) -> list[Fault]:
    """Return a fault for every host name that stands twice."""
    seen: set[str] = set()
    faults = []
    for member in members:
        if member.hostname and member.hostname in seen:
            faults.append(
                _fault(f"{member.pointer}/hostname", f"'{member.hostname}' stands twice.", "duplicate")
            )
        seen.add(member.hostname)
    return faults
