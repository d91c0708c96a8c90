"""What the network service accepts in a body: one table of attributes per kind, and the wording of its refusals.

Neutron checks every attribute of a body before anything else, and clients show its sentences as they are; so the
sandbox checks in the same order with the same sentences.
"""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from msgspec import Struct

from enamel.sandbox import http, kernel, table

Check = Callable[[Any], str | None]


def text(value: Any) -> str | None:
    """Accept strings."""
    return None if isinstance(value, str) else f"'{value}' is not a valid string."


def text_or_none(value: Any) -> str | None:
    """Accept strings and null."""
    return None if value is None else text(value)


def identifier(value: Any) -> str | None:
    """Accept UUIDs."""
    try:
        uuid.UUID(value)
    except (ValueError, AttributeError, TypeError):
        return f"'{value}' is not a valid UUID."
    return None


def identifier_or_none(value: Any) -> str | None:
    """Accept UUIDs and null."""
    return None if value is None else identifier(value)


def identifiers(value: Any) -> str | None:
    """Accept lists of UUIDs."""
    if not isinstance(value, list):
        return f"'{value}' is not a list."
    return next((reason for item in value if (reason := identifier(item))), None)


def flag(value: Any) -> str | None:
    """Accept booleans and the strings that Neutron accepts for them."""
    if isinstance(value, bool) or str(value).lower() in ("true", "false", "0", "1"):
        return None
    return f"'{value}' cannot be converted to boolean."


def number(value: Any) -> str | None:
    """Accept whole numbers."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return f"'{value}' is not an integer."
    try:
        int(value)
    except ValueError:
        return f"'{value}' is not an integer."
    return None


def required_address(value: Any) -> str | None:
    """Accept IP addresses."""
    try:
        if not isinstance(value, str):
            raise ValueError
        ipaddress.ip_address(value)
    except ValueError:
        return f"'{value}' is not a valid IP address."
    return None


def address(value: Any) -> str | None:
    """Accept IP addresses and null."""
    return None if value is None else required_address(value)


def objects(value: Any) -> str | None:
    """Accept lists of objects and null."""
    if value is None or (isinstance(value, list) and all(isinstance(item, dict) for item in value)):
        return None
    return f"Invalid data format: '{value}'."


def fixed_addresses(value: Any) -> str | None:
    """Accept lists of addresses, each by its subnet, its value or both."""
    if reason := objects(value):
        return reason
    for item in value or ():
        unknown = set(item) - {"subnet_id", "ip_address"}
        if unknown:
            return f"Unexpected keys supplied for fixed_ips: {', '.join(sorted(map(str, unknown)))}."
        reason = (identifier(item["subnet_id"]) if "subnet_id" in item else None) or (
            required_address(item["ip_address"]) if "ip_address" in item else None
        )
        if reason:
            return reason
    return None


def ranges(value: Any) -> str | None:
    """Accept lists of ranges of addresses."""
    if reason := objects(value):
        return reason
    for item in value or ():
        if set(item) != {"start", "end"}:
            return f"Invalid data format for IP pool: '{item}'."
        if reason := required_address(item["start"]) or required_address(item["end"]):
            return reason
    return None


def texts(value: Any) -> str | None:
    """Accept lists of strings and null."""
    if value is None or (isinstance(value, list) and all(isinstance(item, str) for item in value)):
        return None
    return f"'{value}' is not a list of strings."


def mapping(value: Any) -> str | None:
    """Accept objects and null."""
    return None if value is None or isinstance(value, dict) else f"'{value}' is not a dictionary."


def one_of(*values: str) -> Check:
    """Accept one of several strings."""
    return lambda value: None if value in values else f"{value} is not in valid_values."


class Attribute(NamedTuple):
    """One attribute of a kind: who may set it, and to what."""

    check: Check = text
    """Returns the reason why a value is wrong, or None."""
    required: bool = False
    """Whether a new resource must have it."""
    post: bool = True
    """Whether it can be set when the resource is made."""
    put: bool = True
    """Whether it can be changed later."""
    admin: bool = False
    """Whether only administrators may set it."""
    hidden: bool = False
    """Whether only administrators see it."""


READ_ONLY = Attribute(post=False, put=False)
HIDDEN = Attribute(post=False, put=False, hidden=True)

COMMON: Mapping[str, Attribute] = {
    "id": READ_ONLY,
    "project_id": Attribute(put=False),
    "tenant_id": Attribute(put=False),
    "description": Attribute(),
    "tags": READ_ONLY,
    "created_at": READ_ONLY,
    "updated_at": READ_ONLY,
    "revision_number": READ_ONLY,
}
"""What every kind has."""


class Kind(Struct, frozen=True, kw_only=True):
    """One kind of resource: its names and its attributes."""

    name: str
    """The key of one resource in a body; also the name of its quota."""
    collection: str
    """The key of a list, and the path."""
    error: str
    """The type of the refusal of an unknown id."""
    missing: str
    """The sentence of that refusal, with `{id}` in it."""
    attributes: Mapping[str, Attribute]
    """The table."""

    @property
    def hidden(self) -> frozenset[str]:
        """Name the attributes that only administrators see."""
        return frozenset(name for name, attribute in self.attributes.items() if attribute.hidden)

    def unknown(self, row_id: str) -> kernel.Refusal:
        """Return the refusal of an unknown id."""
        return kernel.Refusal(404, self.missing.format(id=row_id), kind=self.error)


def bad(message: str) -> kernel.Refusal:
    """Refuse a body the way Neutron's API layer does."""
    return kernel.Refusal(400, message, kind="HTTPBadRequest")


def forbidden(rule: str, *, attribute: str = "") -> kernel.Refusal:
    """Refuse what only administrators may do."""
    what = f"(rule:{rule} and rule:{rule}:{attribute})" if attribute else f"rule:{rule}"
    return kernel.Refusal(403, f"{what} is disallowed by policy", kind="PolicyNotAuthorized")


def created(kind: Kind, request: http.Request) -> tuple[list[table.Row], bool]:
    """Return the checked resources of a POST, and whether it is a bulk request."""
    body = _body(request)
    if kind.collection in body and kind.name not in body:
        wishes, bulk = body[kind.collection], True
        if not isinstance(wishes, list) or not wishes:
            raise bad("Resources required")
    elif kind.name in body:
        wishes, bulk = [body[kind.name]], False
    else:
        raise bad(f"Unable to find '{kind.name}' in request body")
    for position, wish in enumerate(wishes):
        # openstacksdk (seen with 4.22) sends each item of a bulk request wrapped like a single one; Neutron accepts both.
        if bulk and isinstance(wish, dict) and set(wish) == {kind.name}:
            wishes[position] = wish[kind.name]
        _check(kind, wishes[position], request=request, new=True)
    return wishes, bulk


def updated(kind: Kind, request: http.Request) -> table.Row:
    """Return the checked changes of a PUT."""
    body = _body(request)
    if kind.name not in body:
        raise bad(f"Unable to find '{kind.name}' in request body")
    changes = body[kind.name]
    _check(kind, changes, request=request, new=False)
    return dict(changes)


def _body(request: http.Request) -> kernel.Json:
    """Return the JSON object of a body, or refuse in Neutron's words."""
    try:
        return request.body()
    except kernel.Refusal:
        raise bad("Body contains invalid data") from None


def _check(kind: Kind, wish: Any, *, request: http.Request, new: bool) -> None:
    """Refuse a resource with an attribute that is unknown, missing, read-only, not allowed, or of a wrong type."""
    if not isinstance(wish, dict):
        raise bad(f"Unable to find '{kind.name}' in request body")
    era = request.cloud.era
    unknown = [name for name in wish if name not in kind.attributes or not era.knows(kind.name, name)]
    for name in wish:
        if name in unknown:
            continue
        attribute = kind.attributes[name]
        if new and not attribute.post:
            raise bad(f"Attribute '{name}' not allowed in POST")
        if not new and not attribute.put:
            raise bad(f"Cannot update read-only attribute {name}")
    if new:
        for name, attribute in kind.attributes.items():
            if attribute.required and name not in wish:
                raise bad(f"Failed to parse request. Required attribute '{name}' not specified")
    if unknown:
        raise bad(f"Unrecognized attribute(s) {', '.join(repr(name) for name in unknown)}")
    for name, value in wish.items():
        if reason := kind.attributes[name].check(value):
            raise bad(f"Invalid input for {name}. Reason: {reason}")
        if kind.attributes[name].check is flag:
            wish[name] = str(value).lower() in ("true", "1")
    _authorise(kind, wish, request=request, new=new)


def _authorise(kind: Kind, wish: table.Row, *, request: http.Request, new: bool) -> None:
    """Refuse attributes that only administrators may set, and resources for other projects."""
    if request.caller.admin:
        return
    rule = f"{'create' if new else 'update'}_{kind.name}"
    for name, value in wish.items():
        if kind.attributes[name].admin and value not in (False, None):
            raise forbidden(rule, attribute=name)
    owner = wish.get("project_id", wish.get("tenant_id", request.caller.project_id))
    if owner != request.caller.project_id:
        raise forbidden(rule)
