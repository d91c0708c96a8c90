"""The checks: what is wrong with one server of a launch, as far as it shows without a cloud."""

import base64
import binascii
import re

from enamel.commands.launch import public_key, rule_parser
from enamel.commands.launch.server_request import TWINS, ParsedRule, RequestedServer
from enamel.model import ids, ip, readiness, tag
from enamel.model.errors import Fault
from enamel.model.launch import NetworkChoice

LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
KEY_NAME = re.compile(r"[A-Za-z0-9 _@.-]{1,255}")
PROPERTY = re.compile(r"[A-Za-z0-9_:. -]{1,255}")
"""What Nova accepts as the name of a property."""
USER_DATA_BYTES = 65535


def _fault(pointer: str, detail: str, code: str = "invalid") -> Fault:
    return Fault(pointer=pointer, detail=detail, code=code)


def check(member: RequestedServer) -> tuple[list[Fault], tuple[ParsedRule, ...]]:
    """Return a server's faults that show without a cloud, and its rules."""
    faults = [
        *_check_name(member),
        *_check_twins(member),
        *_check_user_data(member),
        *_check_key(member),
        *_check_labels(member),
        *_check_interfaces(member),
        *_check_volumes(member),
        *_check_ready(member),
    ]
    rules = []
    for number, text in enumerate(member.request.allow or ()):
        pointer = f"{member.at('allow')}/{number}"
        try:
            opened, group = rule_parser.rules(text)
            rules.append(ParsedRule(rules=opened, group=group, pointer=pointer))
        except ValueError as exc:
            faults.append(_fault(pointer, f"{exc}."))
    return faults, tuple(rules)


def _check_name(member: RequestedServer) -> list[Fault]:
    if not member.hostname or LABEL.fullmatch(member.hostname):
        return []
    detail = f"'{member.hostname}' is not a host name: letters, digits and dashes, at most 63, no dash at either end."
    return [_fault(member.at_name, detail)]


def _check_twins(member: RequestedServer) -> list[Fault]:
    """Return the faults of fields that take names or ids, in their two spellings."""
    body, faults = member.request, []
    for name in TWINS:
        id = getattr(body, f"{name}_id")
        if id is None:
            continue
        pointer = member.at(f"{name}_id")
        if getattr(body, name) is not None:
            faults.append(_fault(pointer, f"Use either `{name}` or `{name}_id`, not both."))
        # Ids of server types are whatever the operator chose, and keypairs have their names for ids.
        if name in {"template", "placement"} and not ids.is_id(id):
            faults.append(_fault(pointer, f"'{id}' is not an id; names go into `{name}`."))
    if body.template is None and body.template_id is None:
        detail = "Say what the server starts from: an image, a bootable volume or a snapshot."
        faults.append(_fault(member.at("template"), detail, "required"))
    if body.type is None and body.type_id is None:
        detail = "Say how large the server is to be: a server type."
        faults.append(_fault(member.at("type"), detail, "required"))
    return faults


def _check_user_data(member: RequestedServer) -> list[Fault]:
    if member.request.user_data is None:
        return []
    try:
        size = len(base64.b64decode(member.request.user_data, validate=True))
    except (binascii.Error, ValueError):
        return [_fault(member.at("user_data"), "User data must be base64.")]
    if size > USER_DATA_BYTES:
        return [
            _fault(member.at("user_data"), f"User data may be {USER_DATA_BYTES} bytes; these are {size}.")
        ]
    return []


def _check_key(member: RequestedServer) -> list[Fault]:
    choice, pointer = member.request.keypair, member.at("keypair")
    if isinstance(choice, str):
        return [] if choice else [_fault(pointer, "Name a keypair, or leave the field out.")]
    if choice is None or choice.public_key is None:
        return []
    faults = []
    if not KEY_NAME.fullmatch(choice.name):
        detail = "Names of keys have letters, digits, spaces and the characters _ - . @ only."
        faults.append(_fault(f"{pointer}/name", detail))
    problem = public_key.fault(choice.public_key)
    return faults + ([_fault(f"{pointer}/public_key", problem)] if problem else [])


def _check_labels(member: RequestedServer) -> list[Fault]:
    """Return the faults of tags and properties."""
    faults = []
    tags = member.request.tags or []
    for number, word in enumerate(tags):
        fault = tag.fault(word, f"{member.at('tags')}/{number}")
        faults += [fault] if fault else []
    if len(set(tags)) > tag.MOST:
        detail = f"A server may have {tag.MOST} tags; these are {len(set(tags))}."
        faults.append(_fault(member.at("tags"), detail))
    for key, value in (member.request.properties or {}).items():
        pointer = f"{member.at('properties')}/{key.replace('~', '~0').replace('/', '~1')}"
        if not PROPERTY.fullmatch(key):
            detail = (
                "Names of properties have 1 to 255 letters, digits, spaces and the characters - _ : . only."
            )
            faults.append(_fault(pointer, detail))
        elif key == "enamel":
            detail = "The name `enamel` is kept for the mark that Enamel finds its servers by."
            faults.append(_fault(pointer, detail))
        if len(value) > 255:
            faults.append(
                _fault(pointer, f"Values of properties have at most 255 characters; this has {len(value)}.")
            )
    return faults


def _check_interfaces(member: RequestedServer) -> list[Fault]:
    networks = member.request.networks
    pointer = member.at("networks")
    if networks is None:
        return []
    if isinstance(networks, str):
        if networks == "none" and (member.request.allow or member.request.security_groups):
            return [_fault(pointer, "A server without a network has no security groups.")]
        known = networks in {"auto", "none"}
        return [] if known else [_fault(pointer, 'Write "auto", "none" or a list of networks.')]
    if not networks:
        return [_fault(pointer, 'The list is empty: write "auto", or "none" for a server without a network.')]
    faults = []
    for number, choice in enumerate(networks):
        if not isinstance(choice, NetworkChoice):
            continue
        if (choice.network is None) == (choice.port is None):
            faults.append(_fault(f"{pointer}/{number}", "Name either a `network` or a `port`."))
        if choice.port is not None and (choice.subnet or choice.fixed_ip):
            faults.append(_fault(f"{pointer}/{number}", "A port has its subnet and address already."))
        if choice.fixed_ip is not None and ip.version(choice.fixed_ip) is None:
            faults.append(
                _fault(f"{pointer}/{number}/fixed_ip", f"'{choice.fixed_ip}' is not an IP address.")
            )
    if all(isinstance(choice, NetworkChoice) and choice.port for choice in networks):
        faults += [
            _fault(member.at(name), "The ports that are named have their security groups already.")
            for name in ("allow", "security_groups")
            if getattr(member.request, name)
        ]
    return faults


def _check_volumes(member: RequestedServer) -> list[Fault]:
    faults = []
    for number, choice in enumerate(member.request.volumes or ()):
        pointer = f"{member.at('volumes')}/{number}"
        if (choice.size_gb is None) == (choice.volume is None):
            faults.append(
                _fault(pointer, "Give either `size_gb` for a new volume or `volume` for an existing one.")
            )
        if choice.volume is not None and (choice.type or choice.name):
            faults.append(_fault(pointer, "An existing volume has its type and name already."))
    return faults


def _check_ready(member: RequestedServer) -> list[Fault]:
    body = member.request
    if body.ready_when is None:
        return []
    if readiness.parse(body.ready_when) is None:
        detail = "Write active, tcp/PORT, http://:PORT/path or https://:PORT/path."
        return [_fault(member.at("ready_when"), detail)]
    if body.networks == "none" and body.ready_when != "active":
        return [_fault(member.at("ready_when"), "A server without a network cannot answer; leave it out.")]
    return []
