"""The requested server: one server of a launch, and where in the body each of its fields is."""

from msgspec import Struct

from enamel.model import cloud
from enamel.model.launch import NetworkChoice, ServerRequest

TWINS = ("template", "type", "placement", "keypair")
"""Fields that have a twin `<field>_id`, which accepts ids only."""


class RequestedServer(Struct, frozen=True, kw_only=True):
    """One server of a launch."""

    hostname: str
    request: ServerRequest
    pointer: str
    """JSON pointer to the server; faults of the defaults are reported there, too."""
    own: frozenset[str] = frozenset()
    """The fields that the server has itself, and not from the defaults."""
    common: str = ""
    """JSON pointer to the defaults."""
    rules: tuple["ParsedRule", ...] = ()

    def at(self, name: str) -> str:
        """Return the pointer to a field, where it was given."""
        return f"{self.pointer if name in self.own else self.common}/{name}"

    def at_either(self, name: str) -> str:
        """Return the pointer to a field that has a twin `<field>_id`, as it was spelled."""
        by_id = getattr(self.request, f"{name}_id") is not None and getattr(self.request, name) is None
        return self.at(f"{name}_id" if by_id else name)

    @property
    def at_name(self) -> str:
        """Return the pointer to what the server's host name was made of."""
        if self.pointer:
            return f"{self.pointer}/hostname"
        return f"{self.common}/hostname" if self.request.hostname else "/name"


class ParsedRule(Struct, frozen=True, kw_only=True):
    """A text of `allow` as rules, one for each IP version that it opens; its group is not looked up yet."""

    rules: tuple[cloud.Rule, ...]
    group: str | None = None
    """Name or id of the security group that may come in."""
    pointer: str = ""


def network_choices(request: ServerRequest) -> list[NetworkChoice]:
    """Return the networks that a server names; none where it leaves them to Enamel, or is to have none."""
    named = request.networks if isinstance(request.networks, list) else []
    return [NetworkChoice(network=choice) if isinstance(choice, str) else choice for choice in named]
