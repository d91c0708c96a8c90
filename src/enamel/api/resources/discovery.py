"""The routes by which clients find their way: home, schemas, OpenAPI."""

from msgspec import Struct, field

from enamel.api import home, links, openapi, schemas
from enamel.api.links import Links
from enamel.api.request import Answer, Ask
from enamel.model.errors import NotFound


class Schemas(Struct, frozen=True, kw_only=True):
    """The names of all schemas."""

    schemas: tuple[str, ...]
    links: Links = field(name="_links")


async def get_home(ask: Ask) -> Answer:
    """Answer with every route."""
    wants_home = home.MEDIA_TYPE in ask.headers.get("accept", "")
    media_type = home.MEDIA_TYPE if wants_home else "application/json"
    return Answer(body=home.document(ask.table), media_type=media_type, headers={"Vary": "Accept"})


async def get_openapi(ask: Ask) -> Answer:
    """Answer with the OpenAPI document."""
    return Answer(body=openapi.document(ask.table))


async def list_schemas(ask: Ask) -> Answer:
    """Answer with the names of all schemas."""
    names = schemas.names(ask.table)
    each = {name: f"/schemas/{name}" for name in names}
    own = links.of(ask.path, schema="schemas", **each)
    return Answer(body=Schemas(schemas=names, links=own))


async def get_schema(ask: Ask) -> Answer:
    """Answer with one schema."""
    name = ask.params["name"]
    found = schemas.document(ask.table, name)
    if found is None:
        raise NotFound(f"There is no schema '{name[:64]}'.", remedy="GET /schemas lists them.")
    return Answer(body=found, media_type="application/schema+json")
