"""The credential: the authority on which a task acts after its request has ended."""

from msgspec import Struct


class Credential(Struct, frozen=True, kw_only=True):
    """How a worker finds the authority of a task. It holds no secret, only a reference to one."""

    kind: str = "local"
    """`local`: the entries of clouds.yaml, which belong to the one user of the service."""
    reference: str = ""
    """Its reference in the key store; empty if nothing is stored there."""


LOCAL = Credential()
"""The authority of the one user of a local service."""
