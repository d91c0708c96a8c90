"""The route of signals."""

from datetime import datetime
from typing import Any

from msgspec import Struct, field

from enamel.api import headers, links
from enamel.api.links import Links
from enamel.api.request import Request, Response
from enamel.service.tasks import signal, webhooks


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
    body = webhooks.read(request.body, signal.SignalRequest)
    message, replayed = await request.services.signals.send(
        request.caller,
        request.params["id"],
        request.params["name"],
        body.data,
        idempotency_key=headers.idempotency_key(request.headers),
    )
    return Response(
        status=202,
        headers={"Idempotent-Replayed": "true"} if replayed else {},
        body=Signal(
            id=message.id,
            task=message.task,
            name=message.name,
            data=message.data,
            received_at=message.received_at,
            links=links.of(request.path, schema="signal", task=f"/tasks/{message.task}"),
        ),
    )
