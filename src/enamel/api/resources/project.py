"""The routes of projects: where what belongs to a project is found."""

from msgspec import Struct, field

from enamel.api import links
from enamel.api.links import Links
from enamel.api.request import Request, Response
from enamel.api.resources import server, server_body


class Project(Struct, frozen=True, kw_only=True):
    """A project of the caller's."""

    id: str
    name: str
    clouds: tuple[str, ...]
    """Where it is."""
    links: Links = field(name="_links")


async def get_project(request: Request) -> Response:
    """Answer with where what belongs to a project is found."""
    found = await request.services.read.estates.project(request.params["id"])
    own = links.of(
        f"/projects/{found.id}",
        schema="project",
        servers=f"/projects/{found.id}/servers",
        tasks="/tasks",
        templates="/templates",
        server_types="/server_types",
        placements="/placements",
        networks="/networks",
        volumes="/volumes",
        keypairs="/keypairs",
        quota="/quota",
    )
    return Response(body=Project(id=found.id, name=found.name, clouds=found.clouds, links=own))


async def list_servers(request: Request) -> Response:
    """Answer with the servers of a project."""
    return await server.listed(request, project=request.params["project"])


async def get_server(request: Request) -> Response:
    """Answer with the server of a name."""
    found = await request.services.read.estates.named(request.params["project"], request.params["hostname"])
    return Response(body=server_body.of(found))


async def create_servers(request: Request) -> Response:
    """Have servers launched in the caller's own project."""
    await request.services.read.estates.project(request.params["project"])
    return await server.create_servers(request)
