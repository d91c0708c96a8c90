"""The routes that describe the API: home, schemas, OpenAPI."""

from typing import Any

from msgspec import Struct, field

from enamel.api import links
from enamel.api.links import Links
from enamel.api.request import Request, Response
from enamel.api.route import Route
from enamel.model import errors
from enamel.model.errors import NotFound

HOME = "application/json-home"


class Schemas(Struct, frozen=True, kw_only=True):
    """The names of all schemas."""

    schemas: tuple[str, ...]
    links: Links = field(name="_links")


async def get_home(request: Request) -> Response:
    """List every route."""
    accepts_home = HOME in request.headers.get("accept", "")
    media_type = HOME if accepts_home else "application/json"
    return Response(body=request.documents.home(), media_type=media_type, headers={"Vary": "Accept"})


async def get_openapi(request: Request) -> Response:
    """Show the OpenAPI document."""
    return Response(body=request.documents.openapi())


async def list_schemas(request: Request) -> Response:
    """List the names of all schemas."""
    names = request.documents.schema_names()
    each = {name: f"/schemas/{name}" for name in names}
    own = links.of(request.path, schema="schemas", **each)
    return Response(body=Schemas(schemas=names, links=own))


async def get_schema(request: Request) -> Response:
    """Show one schema."""
    name = request.params["name"]
    schema = request.documents.schema(name)
    if schema is None:
        raise NotFound(f"There is no schema '{name[:64]}'.", remedy="GET /schemas lists them.")
    return Response(body=schema, media_type="application/schema+json")


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/",
        name="get_home",
        relation="home",
        handler=get_home,
        summary="List every route.",
        responses={200: (Any,)},
        media_types=(HOME, "application/json"),
    ),
    Route(
        method="GET",
        path="/openapi.json",
        name="get_openapi",
        relation="openapi",
        handler=get_openapi,
        summary="Show the OpenAPI document.",
        responses={200: (Any,)},
    ),
    Route(
        method="GET",
        path="/schemas",
        name="list_schemas",
        relation="schemas",
        handler=list_schemas,
        summary="List the schemas of all bodies.",
        responses={200: (Schemas,)},
    ),
    Route(
        method="GET",
        path="/schemas/{name}",
        name="get_schema",
        relation="schema",
        handler=get_schema,
        summary="Show one JSON Schema.",
        responses={200: (Any,)},
        errors=(errors.NotFound,),
        media_types=("application/schema+json",),
    ),
)
"""The rows of the table that these handlers serve."""
