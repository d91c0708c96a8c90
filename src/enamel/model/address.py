"""The bodies of what is done to an address."""

from msgspec import Struct, field

from enamel.model.launch import Name


class AddressRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An address that outlives servers."""

    source: Name | None = field(default=None, name="from")
    """Name or id of the network that it comes from. From an external one it is a floating IP; from another one it is a port
    with a fixed address. The cloud's external network where none is named, or the provider's where there is none."""


class AttachRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where an address is to lead."""

    server: Name
    """Name or id."""
    fixed_ip: Name | None = None
    """Which of the server's own addresses a floating IP leads to; its only one where none is named."""
