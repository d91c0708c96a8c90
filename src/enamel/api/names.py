"""Names in the paths of requests: where a route has an id, a name of the caller's own resources does as well."""

from collections.abc import Awaitable, Callable

from msgspec import structs

from enamel.api.request import Request
from enamel.model import ids

_ID_OF: dict[str, Callable[[Request, str], Awaitable[str]]] = {
    "/servers/{id}": lambda request, name: request.services.servers.id_of(
        request.ctx, name, cloud=request.cloud
    ),
    "/volumes/{id}": lambda request, name: request.services.volumes.id_of(
        request.ctx, name, cloud=request.cloud
    ),
    "/addresses/{id}": lambda request, name: request.services.addresses.id_of(
        request.ctx, name, cloud=request.cloud
    ),
}
"""How the id of a name is found, by the beginning of the route's path."""


async def resolved(request: Request, *, path: str) -> Request:
    """Return a request with the id in place of the name in its path.

    Args:
        request: The request.
        path: The path of its route.

    Raises:
        Invalid: The name is that of several resources.
        Forbidden: The caller may not list them.
        CloudError: A cloud that may have it does not answer.
    """
    find = _ID_OF.get("/".join(path.split("/")[:3]))
    name = request.params.get("id", "")
    if find is None or ids.is_id(name):
        return request
    return structs.replace(request, params={**request.params, "id": await find(request, name)})
