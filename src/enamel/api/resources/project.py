"""The routes of projects, and of servers by their names in one."""

from msgspec import field

from enamel.api import command, links
from enamel.api.links import Links
from enamel.api.request import Request, Response
from enamel.api.resources import server, server_body
from enamel.api.route import CLOUD_ERRORS, LAUNCH_ERRORS, OnCloud, Route
from enamel.model import errors, launch
from enamel.service.resources import project


class Project(project.Project, frozen=True, kw_only=True):
    """A project of the caller's."""

    links: Links = field(name="_links")


async def get_project(request: Request) -> Response:
    """Show a project, with links to its resources."""
    record = await request.services.projects.get(request.ctx, request.params["id"], cloud=request.cloud)
    own = links.of(
        request.at(f"/projects/{record.id}"),
        schema="project",
        servers=request.at(f"/projects/{record.id}/servers"),
        tasks=request.at("/tasks"),
        templates=request.at("/templates"),
        server_types=request.at("/server_types"),
        placements=request.at("/placements"),
        networks=request.at("/networks"),
        volumes=request.at("/volumes"),
        keypairs=request.at("/keypairs"),
        quota=request.at("/quota"),
    )
    return Response(body=links.added(Project, record, own))


async def list_servers(request: Request) -> Response:
    """List the servers of a project."""
    return await server.listed(request, project=request.params["project"])


async def get_server(request: Request) -> Response:
    """Show a server, by its name."""
    record = await request.services.servers.named(
        request.ctx, request.params["hostname"], project=request.params["project"], cloud=request.cloud
    )
    return Response(body=server_body.of(record, request.ctx))


async def create_servers(request: Request) -> Response:
    """Launch servers in the caller's own project."""
    await request.services.projects.get(request.ctx, request.params["project"], cloud=request.cloud)
    return await command.submit(request, "server.create")


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/projects/{id}",
        name="get_project",
        relation="project",
        handler=get_project,
        summary="Show a project, with links to its resources.",
        query=OnCloud,
        responses={200: (Project,)},
        errors=(errors.NotFound, *CLOUD_ERRORS),
        rules=("enamel:project:get",),
    ),
    Route(
        method="POST",
        path="/projects/{project}/servers",
        name="create_project_servers",
        relation="project_servers",
        handler=create_servers,
        summary="Launch servers in a project, with networks, addresses, volumes and keys.",
        query=command.DryRun,
        request=launch.Launch,
        responses=command.RESPONSES,
        errors=(errors.NotFound, *LAUNCH_ERRORS),
        rules=("enamel:project:get", "enamel:server:create"),
    ),
    Route(
        method="GET",
        path="/projects/{project}/servers",
        name="list_project_servers",
        relation="project_servers",
        handler=list_servers,
        summary="List the servers of a project.",
        query=server.ServerFilter,
        responses={200: (server_body.Servers,)},
        errors=(errors.NotFound, *CLOUD_ERRORS),
        rules=("enamel:server:list",),
    ),
    Route(
        method="GET",
        path="/projects/{project}/servers/{hostname}",
        name="get_project_server",
        relation="project_server",
        handler=get_server,
        summary="Show a server, by its name.",
        query=OnCloud,
        responses={200: (server_body.Server,)},
        errors=(errors.NotFound, *CLOUD_ERRORS),
        rules=("enamel:server:get",),
    ),
)
"""The rows of the table that these handlers serve."""
