"""The routes of the leak radar."""

from enamel.api.resources import orphan, server, task_body
from enamel.api.route import Route
from enamel.model import errors
from enamel.model.orphan import CleanWish

_CLOUD_FAULTS = (errors.CloudError, errors.CloudUnreachable)

ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/orphans",
        name="list_orphans",
        relation="orphans",
        handler=orphan.list_orphans,
        summary="List what belongs to nobody: what tasks have left behind, and what nothing uses.",
        query=orphan.OrphanFilter,
        responses={200: (orphan.Orphans,)},
        errors=_CLOUD_FAULTS,
        rule="enamel:orphans:list",
    ),
    Route(
        method="POST",
        path="/orphans/clean",
        name="clean_orphans",
        relation="clean_orphans",
        handler=orphan.clean_orphans,
        summary="Take away what belongs to nobody, each thing looked at once more.",
        query=server.DryRun,
        request=CleanWish,
        body_required=False,
        responses={200: (task_body.Task, task_body.Preview), 202: (task_body.Task,)},
        errors=_CLOUD_FAULTS,
        rule="enamel:orphans:clean",
    ),
)
"""A part of the one table in `enamel.api.routes`."""
