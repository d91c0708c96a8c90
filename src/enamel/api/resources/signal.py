"""The route of signals: messages for steps of tasks."""

from datetime import datetime
from typing import Any

from msgspec import Struct, field

from enamel.api import headers, links
from enamel.api.links import Links
from enamel.api.request import Request, Response
from enamel.api.resources.task import OfTask
from enamel.api.route import Route
from enamel.model import errors
from enamel.service.tasks.signal import SignalRequest


class Signal(Struct, frozen=True, kw_only=True):
    """A message that was kept for a step of a task."""

    id: str
    task: str
    name: str
    data: Any = None
    received_at: datetime
    links: Links = field(name="_links")


async def send_signal(request: Request) -> Response:
    """Keep a message for a step of a task."""
    message, replayed = await request.services.signals.send(
        request.ctx,
        request.params["id"],
        request.params["name"],
        request.body,
        cloud=request.cloud,
        idempotency_key=headers.idempotency_key(request.headers),
    )
    own = links.of(request.path, schema="signal", task=f"/tasks/{message.task}")
    return Response(
        status=202,
        headers={"Idempotent-Replayed": "true"} if replayed else {},
        body=Signal(
            id=message.id,
            task=message.task,
            name=message.name,
            data=message.data,
            received_at=message.received_at,
            links=own,
        ),
    )


ROUTES: tuple[Route, ...] = (
    Route(
        method="POST",
        path="/tasks/{id}/signals/{name}",
        name="send_signal",
        relation="signal",
        handler=send_signal,
        summary="Send a message to the step of a task that waits for it.",
        query=OfTask,
        request=SignalRequest,
        responses={202: (Signal,)},
        errors=(errors.NotFound, errors.WrongState, errors.BodyTooLarge),
        rules=("enamel:task:signal",),
    ),
)
"""The rows of the table that these handlers serve."""
