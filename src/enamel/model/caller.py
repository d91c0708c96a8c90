"""The caller: who asks, and what they may do."""

from msgspec import Struct


class Caller(Struct, frozen=True, kw_only=True):
    """Who asks: the user, their project and their roles."""

    user_id: str
    project_id: str
    user_name: str = ""
    roles: tuple[str, ...] = ()
    local: bool = False
    """Whether it is the one user of a service on loopback, who acts with the credentials of clouds.yaml."""


NOBODY = Caller(user_id="", project_id="")
"""The caller of routes that anyone may use."""
