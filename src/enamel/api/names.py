"""Names in the paths of requests: where a route has an id, a name of the caller's own resources does as well."""

from collections.abc import Callable
from typing import Protocol

from msgspec import structs

from enamel.api.request import Request
from enamel.model import ids
from enamel.model.call_context import CallContext
from enamel.service.services import Services


class _Named(Protocol):
    """Use cases about resources that have names."""

    async def id_of(self, ctx: CallContext, text: str, *, cloud: str | None = None) -> str: ...


_USE_CASES: dict[str, Callable[[Services], _Named]] = {
    "servers": lambda services: services.servers,
    "volumes": lambda services: services.volumes,
    "addresses": lambda services: services.addresses,
    "projects": lambda services: services.projects,
}
"""What finds the id of a name, by the beginning of the route's path."""


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
    _, noun, variable, *_ = [*path.split("/"), ""]
    name = request.params.get(variable.strip("{}"), "")
    if noun not in _USE_CASES or not name or ids.is_id(name):
        return request
    id = await _USE_CASES[noun](request.services).id_of(request.ctx, name, cloud=request.cloud)
    return structs.replace(request, params={**request.params, variable.strip("{}"): id})
