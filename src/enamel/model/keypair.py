"""The body of a key that is imported."""

from typing import Annotated

from msgspec import Meta, Struct

from enamel.model.launch import Name


class KeypairRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A public key for servers to be given."""

    name: Name
    """Unique among the caller's keypairs."""
    public_key: Annotated[str, Meta(min_length=1, max_length=16384)]
    """One line, as in `~/.ssh/id_ed25519.pub`."""
