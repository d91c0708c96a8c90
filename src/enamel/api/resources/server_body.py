"""What servers look like on the web."""

from msgspec import Struct, field

from enamel.api import links
from enamel.api.links import Links
from enamel.model.action import Action
from enamel.model.problem import Problem
from enamel.service.resources import server
from enamel.service.resources.view_cache import ViewCache

_TERMINATE = Action.TERMINATE
"""It has a method of its own: DELETE."""


class Server(server.Server, frozen=True, kw_only=True):
    """A server."""

    links: Links = field(name="_links")


class Servers(Struct, frozen=True, kw_only=True):
    """A page of servers, the newest first."""

    servers: tuple[Server, ...]
    silent: tuple[Problem, ...] = ()
    """Why servers may be missing: clouds that did not answer."""
    links: Links = field(name="_links")


def of(found: server.Server) -> Server:
    """Return what a server looks like, with what can be done with it now."""
    return _FORMS.of(found)


def _made(found: server.Server) -> Server:
    here = f"/servers/{found.id}"
    gone = found.virt_state is server.VirtState.TERMINATED
    own = links.of(
        here,
        schema="server",
        tasks=f"{here}/tasks",
        tags=f"{here}/tags",
        console_log=f"{here}/console_log",
        diagnostics=f"{here}/diagnostics",
        **{word.value.lower(): f"POST {here}/tasks" for word in found.actions if word is not _TERMINATE},
        terminate=None if gone else f"DELETE {here}",
    )
    return Server(**{name: getattr(found, name) for name in found.__struct_fields__}, links=own)


_FORMS = ViewCache(_made)
