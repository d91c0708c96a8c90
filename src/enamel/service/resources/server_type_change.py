"""The change of a server type."""

from typing import Any
from urllib.parse import quote

from enamel.model.call_context import CallContext
from enamel.model.errors import Fault, Invalid
from enamel.service.tasks.submit import Outcome, Submit

_OWN_RESOURCES = ("tags", "shares")
"""What is changed at paths of its own."""


class ServerTypeChanges:
    """Accepts changes of server types."""

    def __init__(self, submit: Submit) -> None:
        self._submit = submit

    async def change(
        self,
        ctx: CallContext,
        text: str,
        data: Any,
        *,
        cloud: str | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Outcome:
        """Accept or preview the change of the server type that has an id or a name. Raises as `Submit.command` does."""
        refuse_own_resources(data, path=f"/server_types/{quote(text, safe='')}")
        return await self._submit.command(
            ctx,
            "server_type.change",
            data,
            cloud=cloud,
            params={"server_type": text},
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )


def refuse_own_resources(data: Any, *, path: str) -> None:
    """Refuse what is changed at paths of its own. Raises Invalid."""
    faults = tuple(
        Fault(
            pointer=f"/{name}",
            detail=f"The {name} of a server type are changed with PUT and DELETE at {path}/{name}.",
            code="elsewhere",
        )
        for name in _OWN_RESOURCES
        if isinstance(data, dict) and name in data
    )
    if faults:
        raise Invalid(" ".join(fault.detail for fault in faults), faults=faults)
