"""The actions on a server: which command a request means."""

from collections.abc import Mapping
from typing import Any

from enamel.model import action, ids
from enamel.model.action import Action, ActionRequest
from enamel.model.call_context import CallContext
from enamel.model.errors import Fault, Invalid
from enamel.service.tasks.submit import Outcome, Submit
from enamel.service.validation import body, error_wording


class ServerActions:
    """Accepts actions on servers."""

    def __init__(self, submit: Submit) -> None:
        self._submit = submit

    async def act(
        self,
        ctx: CallContext,
        id: str,
        data: Any,
        *,
        cloud: str | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Outcome:
        """Accept or preview the action that a body names. Raises as `Submit.command` does.

        Each action is a command with a rule of its own in the policy.
        """
        what = _action(data)
        params = {"server": ids.canonical(id)}
        if what is Action.TERMINATE:
            params |= _along(data)
        return await self._submit.command(
            ctx,
            what.command,
            data,
            cloud=cloud,
            params=params,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def terminate(
        self,
        ctx: CallContext,
        id: str,
        *,
        along: str | None = None,
        cloud: str | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Outcome:
        """Accept or preview the termination of a server. Raises as `Submit.command` does.

        Args:
            ctx: Who asks.
            id: The server.
            along: What goes with it: `everything`, `nothing`, or a list; what Enamel made for it if None.
            cloud: The cloud that it is on; wherever it is found if None.
            dry_run: Whether to return the plan and write nothing.
            idempotency_key: With it, a request that is sent twice is carried out once.
        """
        params = {"server": ids.canonical(id)}
        if along is not None:
            params["with"] = along
        return await self._submit.command(
            ctx,
            "server.terminate",
            cloud=cloud,
            params=params,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )


def _action(data: Any) -> Action:
    """Return the action that a body names.

    Raises:
        Invalid: It names none, or one that does not exist.
    """
    if not isinstance(data, dict):
        detail = f"Expected an object, got {error_wording.got(data, pointer='')}."
        raise Invalid(detail, faults=(Fault(pointer="", detail=detail, code="type"),))
    word = data.get("action")
    known = [known.value for known in Action]
    if word in known:
        return Action(word)
    if isinstance(word, str):
        detail = f"There is no action '{error_wording.short(word)}'{error_wording.like(word.upper(), known)}"
    else:
        detail = f"The field 'action' is required: one of {', '.join(known)}"
    fault = Fault(
        pointer="/action", detail=error_wording.stopped(detail), code="unknown" if word else "required"
    )
    raise Invalid(fault.detail, faults=(fault,))


def _along(data: Any) -> Mapping[str, str]:
    """Return what goes with a server: the one parameter of TERMINATE, a command without a body.

    Raises:
        Invalid: The body has other fields, or this one is malformed.
    """
    request, faults = body.shape(data, ActionRequest)
    faults += action.faults(request) if request is not None else []
    if faults or request is None:
        raise Invalid(" ".join(fault.detail for fault in faults), faults=tuple(faults))
    return {} if request.along is None else {"with": request.along}
