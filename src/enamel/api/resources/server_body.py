"""The bodies of servers."""

from functools import partial

from msgspec import Struct, field

from enamel.api import links
from enamel.api.links import Links
from enamel.model.action import Action
from enamel.model.call_context import CallContext
from enamel.model.problem import Problem
from enamel.service.access import policy
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


def of(record: server.Server, ctx: CallContext) -> Server:
    """Return the body of a server, with links to what is possible now and allowed to the caller."""
    return _VIEWS[policy.allows(ctx, "enamel:server:console_log")].of(record)


def _with_links(record: server.Server, *, console: bool) -> Server:
    here = f"/servers/{record.id}"
    own = links.of(
        here,
        schema="server",
        tasks=f"{here}/tasks",
        tags=f"{here}/tags",
        console_log=f"{here}/console_log" if console else None,
        # Diagnostics are for operators, who see the host, too; without a host there are none.
        diagnostics=f"{here}/diagnostics" if record.elevated else None,
        **{word.value.lower(): f"POST {here}/tasks" for word in record.actions if word is not _TERMINATE},
        terminate=f"DELETE {here}" if _TERMINATE in record.actions else None,
    )
    return links.added(Server, record, own)


_VIEWS = {console: ViewCache(partial(_with_links, console=console)) for console in (True, False)}
"""By whether the caller may see consoles."""
