"""The routes of what outlives servers and costs money all the time: addresses."""

from enamel.api.resources import address, server, task_body
from enamel.api.route import Route
from enamel.model import errors
from enamel.model.address import AddressWish, AttachWish

_CLOUD_FAULTS = (errors.CloudError, errors.CloudUnreachable)
_TASK = {200: (task_body.Task, task_body.Preview), 202: (task_body.Task,)}

ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/addresses",
        name="list_addresses",
        relation="addresses",
        handler=address.list_addresses,
        summary="List the addresses of the project that outlive servers.",
        query=address.AddressFilter,
        responses={200: (address.Addresses,)},
        errors=_CLOUD_FAULTS,
        rule="enamel:addresses:list",
    ),
    Route(
        method="POST",
        path="/addresses",
        name="create_address",
        relation="addresses",
        handler=address.create_address,
        summary="Get an address that outlives servers.",
        query=server.DryRun,
        request=AddressWish,
        body_required=False,
        responses=_TASK,
        errors=(errors.QuotaExceeded, *_CLOUD_FAULTS),
        rule="enamel:addresses:create",
    ),
    Route(
        method="GET",
        path="/addresses/{id}",
        name="get_address",
        relation="address",
        handler=address.get_address,
        summary="Show one address.",
        responses={200: (address.Address,)},
        errors=(errors.NotFound, *_CLOUD_FAULTS),
        rule="enamel:addresses:get",
    ),
    Route(
        method="DELETE",
        path="/addresses/{id}",
        name="delete_address",
        relation="address",
        handler=address.delete_address,
        summary="Give an address back to the cloud.",
        query=server.DryRun,
        responses=_TASK,
        errors=(errors.NotFound, errors.WrongState, *_CLOUD_FAULTS),
        rule="enamel:addresses:delete",
    ),
    Route(
        method="POST",
        path="/addresses/{id}/attach",
        name="attach_address",
        relation="attach_address",
        handler=address.attach_address,
        summary="Have an address lead to a server.",
        query=server.DryRun,
        request=AttachWish,
        responses=_TASK,
        errors=(errors.NotFound, errors.WrongState, errors.ActionImpossible, *_CLOUD_FAULTS),
        rule="enamel:addresses:attach",
    ),
    Route(
        method="POST",
        path="/addresses/{id}/detach",
        name="detach_address",
        relation="detach_address",
        handler=address.detach_address,
        summary="Have an address lead nowhere, and keep it.",
        query=server.DryRun,
        responses=_TASK,
        errors=(errors.NotFound, errors.WrongState, *_CLOUD_FAULTS),
        rule="enamel:addresses:detach",
    ),
)
"""A part of the one table in `enamel.api.routes`."""
