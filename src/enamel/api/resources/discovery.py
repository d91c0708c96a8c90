"""The routes by which clients find their way: home, schemas, OpenAPI."""

from msgspec import Struct, field

from enamel.api import home, links, openapi, schemas
from enamel.api.links import Links
from enamel.api.request import Request, Response
from enamel.model.errors import NotFound


class Schemas(Struct, frozen=True, kw_only=True):
    """The names of all schemas."""

    schemas: tuple[str, ...]
    links: Links = field(name="_links")


async def get_home(request: Request) -> Response:
    """Answer with every route."""
    wants_home = home.MEDIA_TYPE in request.headers.get("accept", "")
    media_type = home.MEDIA_TYPE if wants_home else "application/json"
    return Response(body=home.document(request.table), media_type=media_type, headers={"Vary": "Accept"})


async def get_openapi(request: Request) -> Response:
    """Answer with the OpenAPI document."""
    return Response(body=openapi.document(request.table))


async def list_schemas(request: Request) -> Response:
    """Answer with the names of all schemas."""
    names = schemas.names(request.table)
    each = {name: f"/schemas/{name}" for name in names}
    own = links.of(request.path, schema="schemas", **each)
    return Response(body=Schemas(schemas=names, links=own))


async def get_schema(request: Request) -> Response:
    """Answer with one schema."""
    name = request.params["name"]
    found = schemas.document(request.table, name)
    if found is None:
        raise NotFound(f"There is no schema '{name[:64]}'.", remedy="GET /schemas lists them.")
    return Response(body=found, media_type="application/schema+json")
