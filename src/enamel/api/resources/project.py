"""The routes of projects: where what belongs to a project is found."""

from msgspec import Struct, field

from enamel.api import links
from enamel.api.links import Links
from enamel.api.request import Answer, Ask
from enamel.api.resources import server, server_body


class Project(Struct, frozen=True, kw_only=True):
    """A project of the caller's."""

    id: str
    name: str
    clouds: tuple[str, ...]
    """Where it is."""
    links: Links = field(name="_links")


async def get_project(ask: Ask) -> Answer:
    """Answer with where what belongs to a project is found."""
    found = await ask.services.read.estates.project(ask.params["id"])
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
    return Answer(body=Project(id=found.id, name=found.name, clouds=found.clouds, links=own))


async def list_servers(ask: Ask) -> Answer:
    """Answer with the servers of a project."""
    return await server.listed(ask, project=ask.params["project"])


async def get_server(ask: Ask) -> Answer:
    """Answer with the server of a name."""
    found = await ask.services.read.estates.named(ask.params["project"], ask.params["hostname"])
    return Answer(body=server_body.of(found))


async def create_servers(ask: Ask) -> Answer:
    """Have servers launched in the caller's own project."""
    await ask.services.read.estates.project(ask.params["project"])
    return await server.create_servers(ask)
