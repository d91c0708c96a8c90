"""The bodies of servers."""

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
    """Clouds that did not answer, each with the reason: their servers are missing."""
    links: Links = field(name="_links")


def of(record: server.Server) -> Server:
    """Return the body of a server, with links to the actions that are possible now."""
    return _VIEWS.of(record)


def _with_links(record: server.Server) -> Server:
    here = f"/servers/{record.id}"
    gone = record.virt_state is server.VirtState.TERMINATED
    own = links.of(
        here,
        schema="server",
        tasks=f"{here}/tasks",
        tags=f"{here}/tags",
        console_log=f"{here}/console_log",
        diagnostics=f"{here}/diagnostics",
        **{word.value.lower(): f"POST {here}/tasks" for word in record.actions if word is not _TERMINATE},
        terminate=None if gone else f"DELETE {here}",
    )
    return links.added(Server, record, own)


_VIEWS = ViewCache(_with_links)
