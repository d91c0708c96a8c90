"""The servers of a launch, each with its own fields, the defaults and its name."""

import random
import re
from collections.abc import Iterator

import msgspec
from msgspec import Struct

from enamel.commands.launch import checks, webhooks
from enamel.commands.launch.server_request import TWINS, RequestedServer
from enamel.model import duration
from enamel.model.errors import Fault
from enamel.model.launch import Defaults, Launch, ServerRequest

YEARS = range(2000, 2100)
"""In which a launch may begin."""
PATTERN = re.compile(r"%\(rand_num\)([1-9])d")


class RequestedServers(Struct, frozen=True, kw_only=True):
    """The servers of a launch."""

    members: tuple[RequestedServer, ...]
    numbered: bool
    """Whether they are equal but for names that Nova would give as well: base-1, base-2 …"""
    faults: tuple[Fault, ...] = ()


def read(launch: Launch, *, seed: int) -> RequestedServers:
    """Return the servers that a launch describes, with every fault that shows without a cloud."""
    faults: list[Fault] = []
    common, pointer = _common(launch, faults)
    if launch.servers is not None:
        if launch.count is not None or launch.name is not None:
            faults.append(_fault("/servers", "Use either `servers`, or `name` and `count`, not both."))
        if launch.hostname is not None:
            faults.append(_fault("/hostname", "Host names differ: give each of `servers` its own."))
        members = [
            _member(common, pointer, server, f"/servers/{n}") for n, server in enumerate(launch.servers)
        ]
    else:
        members = [
            RequestedServer(hostname=name, request=common, pointer="", common=pointer)
            for name in _names(launch, common)
        ]
    members = _named(members, common, seed=seed, common_pointer=pointer, faults=faults)
    faults += _whole(launch)
    checked = []
    for member in members:
        wrong, parsed = checks.check(member)
        faults += wrong
        checked.append(msgspec.structs.replace(member, rules=parsed))
    faults += _doubles(checked)
    numbered = launch.servers is None and [server.hostname for server in members] == _names(launch, common)
    # A fault of the defaults is a fault of every server, and reported once.
    return RequestedServers(members=tuple(checked), numbered=numbered, faults=tuple(dict.fromkeys(faults)))


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
    if launch.defaults.hostname is not None and launch.servers is not None:
        faults.append(_fault("/defaults/hostname", "Host names differ: give each of `servers` its own."))
    return launch.defaults, "/defaults"


def _member(common: Defaults, common_pointer: str, own: ServerRequest, pointer: str) -> RequestedServer:
    """Return a server with what it does not say itself taken from the defaults."""
    said = {name for name in own.__struct_fields__ if getattr(own, name) is not None}
    for name in TWINS:
        # `type` of a server beats `type_id` of the defaults, and the other way round.
        if {name, f"{name}_id"} & said:
            said |= {name, f"{name}_id"}
    merged = {
        name: getattr(own if name in said else common, name) for name in ServerRequest.__struct_fields__
    }
    return RequestedServer(
        hostname=own.hostname or "",
        request=ServerRequest(**merged),
        pointer=pointer,
        own=frozenset(said),
        common=common_pointer,
    )


def _names(launch: Launch, common: Defaults) -> list[str]:
    """Return the host names of the short form."""
    count = launch.count or 1
    base = launch.name or common.hostname or ""
    if not base:
        return [""] * count
    return [base] if count == 1 else [f"{base}-{number + 1}" for number in range(count)]


def _named(
    members: list[RequestedServer], common: Defaults, *, seed: int, common_pointer: str, faults: list[Fault]
) -> list[RequestedServer]:
    """Return the members with the names that the pattern gives to those that have none."""
    pattern = common.hostname_pattern
    if pattern is not None and not PATTERN.search(pattern):
        faults.append(
            _fault(
                f"{common_pointer}/hostname_pattern",
                "Write %(rand_num)Nd where N random digits are to stand, for example web-%(rand_num)5d.",
            )
        )
        pattern = None
    drawn = _draw(pattern, random.Random(seed), {member.hostname for member in members}) if pattern else None
    named = []
    for member in members:
        name = member.hostname or (next(drawn, "") if drawn is not None else "")
        if not name and drawn is not None:
            faults.append(
                _fault(
                    f"{common_pointer}/hostname_pattern", "The pattern has too few names; use more digits."
                )
            )
        elif not name:
            faults.append(_fault(member.at_name, "Give the server a name.", "required"))
        named.append(msgspec.structs.replace(member, hostname=name))
    return named


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
    if launch.not_before is not None and launch.not_before.year not in YEARS:
        detail = f"{launch.not_before.isoformat()} is no time to wait for; name one of this century."
        faults.append(_fault("/not_before", detail))
    return faults + webhooks.faults(launch.notify)


def _doubles(members: list[RequestedServer]) -> list[Fault]:
    """Return a fault for every host name that stands twice."""
    seen: set[str] = set()
    faults = []
    for member in members:
        if member.hostname and member.hostname in seen:
            faults.append(_fault(member.at_name, f"'{member.hostname}' stands twice.", "duplicate"))
        seen.add(member.hostname)
    return faults
