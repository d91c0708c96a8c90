"""The routes of projects, and of servers by the names that they have in one."""

from enamel.api.resources import project, server, server_body, task_body
from enamel.api.route import Route
from enamel.model import errors, launch

LAUNCH_FAULTS = (
    errors.NameTaken,
    errors.QuotaExceeded,
    errors.CapabilityMissing,
    errors.CloudUnknown,
    errors.CloudError,
    errors.CloudUnreachable,
)
"""What a launch can be refused for."""
_CLOUD_FAULTS = (errors.CloudError, errors.CloudUnreachable)

ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/projects/{id}",
        name="get_project",
        relation="project",
        handler=project.get_project,
        summary="Tell where what belongs to a project is found.",
        responses={200: (project.Project,)},
        errors=(errors.NotFound, *_CLOUD_FAULTS),
        rule="enamel:projects:get",
    ),
    Route(
        method="POST",
        path="/projects/{project}/servers",
        name="create_project_servers",
        relation="project_servers",
        handler=project.create_servers,
        summary="Launch servers with everything around them in a project.",
        query=server.DryRun,
        request=launch.Launch,
        responses={200: (task_body.Task, task_body.Preview), 202: (task_body.Task,)},
        errors=(errors.NotFound, *LAUNCH_FAULTS),
        rule="enamel:servers:create",
    ),
    Route(
        method="GET",
        path="/projects/{project}/servers",
        name="list_project_servers",
        relation="project_servers",
        handler=project.list_servers,
        summary="List the servers of a project.",
        query=server.ServerFilter,
        responses={200: (server_body.Servers,)},
        errors=(errors.NotFound, *_CLOUD_FAULTS),
        rule="enamel:servers:list",
    ),
    Route(
        method="GET",
        path="/projects/{project}/servers/{hostname}",
        name="get_project_server",
        relation="project_server",
        handler=project.get_server,
        summary="Show the server of a name.",
        responses={200: (server_body.Server,)},
        errors=(errors.NotFound, *_CLOUD_FAULTS),
        rule="enamel:servers:get",
    ),
)
"""Every route below `/projects`."""
