"""The credential: the authority on which a task acts after its caller has gone."""

from msgspec import Struct


class Credential(Struct, frozen=True, kw_only=True):
    """How a worker finds the authority of a task again. It holds no secret, only what leads to one."""

    kind: str = "local"
    """`local`: the entries of clouds.yaml, which belong to the one user of the service."""
    reference: str = ""
    """What leads to it in the key store; empty where nothing is kept there."""


LOCAL = Credential()
"""The authority of the one user of a local service."""
