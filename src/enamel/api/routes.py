"""The table of routes: the one source of JSON Home, OpenAPI, the schemas and the reference pages.

Each resource has its rows beside its handlers; here they are joined, in the order of the reference.
"""

from enamel.api.resources import (
    address,
    cloud,
    discovery,
    health,
    keypair,
    network,
    orphan,
    placement,
    project,
    quota,
    server,
    server_console,
    server_tags,
    server_task,
    server_type,
    signal,
    task,
    template,
    type_share,
    volume,
    volume_snapshot,
)
from enamel.api.route import Route

ROUTES: tuple[Route, ...] = (
    *discovery.ROUTES,
    *health.ROUTES,
    *server.COLLECTION,
    *project.ROUTES,
    *server.ROUTES,
    *server_task.ROUTES,
    *server_console.ROUTES,
    *server_tags.ROUTES,
    *server_task.TASKS,
    *cloud.ROUTES,
    *template.ROUTES,
    *network.ROUTES,
    *keypair.ROUTES,
    *volume.ROUTES,
    *volume_snapshot.ROUTES,
    *quota.ROUTES,
    *placement.ROUTES,
    *address.ROUTES,
    *orphan.ROUTES,
    *server_type.ROUTES,
    *type_share.ROUTES,
    *task.ROUTES,
    *signal.ROUTES,
)
"""Every route of the service."""
ABOUT_THE_PROCESS = frozenset(route.path for route in health.ROUTES)
"""The paths that a worker answers on, too."""


def operations(rule: str) -> list[tuple[str, str]]:
    """Return the method and path of each route whose use case checks a rule of the policy."""
    return [(route.method, route.path) for route in ROUTES if rule in route.rules]
