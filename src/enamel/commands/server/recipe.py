"""The recipe: one action on one server while its steps are put into a plan."""

from typing import Any

from enamel.commands.lookup import Lookup
from enamel.flow import expressions
from enamel.flow.draft import Draft, Handle
from enamel.model import cloud
from enamel.model.action import Action, ActionRequest
from enamel.model.states import ImageState, ServerActivity, ServerState
from enamel.steps import act
from enamel.steps.step import Step

PASSWORD = "password"  # noqa: S105 - the symbol that stands for it in the plan

STAGES = {
    "PREPARING_UPLOAD": (ServerActivity.SHELVING,),
    "REBUILDING_BLOCK_DEVICES": (ServerActivity.REBUILDING,),
}
"""What the cloud does until the end of a stage, by the item's action."""


class Recipe:
    """One action on one server, on its way to a plan."""

    def __init__(self, draft: Draft, *, server: cloud.Server, request: ActionRequest, lookup: Lookup) -> None:
        self.draft = draft
        self.server = server
        self.request = request
        self.lookup = lookup
        self.secrets: dict[str, bytes] = {}

    def add(self, step: Step, *, word: str | None = None, after: Handle | None = None) -> Handle:
        """Add a step for the server."""
        return self.draft.add(
            step, group=self.server.name, action=word, after=[after] if after is not None else []
        )

    def act(
        self,
        word: str,
        *,
        goal: tuple[ServerState, ...] = (),
        after: Handle | None = None,
        what: Action | None = None,
        arguments: dict[str, Any] | None = None,
        tells: bool = True,
        proof: bool = False,
    ) -> Handle:
        """Add the action itself, or another one that is part of it."""
        step = act.Act(
            id=self.server.id,
            what=what or self.request.action,
            arguments=arguments or {},
            goal=goal,
            tells=tells,
            proof=proof,
        )
        return self.add(step, word=word, after=after)

    def settle(
        self,
        word: str,
        *,
        goal: tuple[ServerState, ...],
        begun: Handle,
        after: Handle | None = None,
        proof: bool = False,
    ) -> Handle:
        """Add the waiting for what an action leads to, which another step has begun."""
        # The id comes from that step, so that a restart repeats what failed.
        step = act.Settle(id=begun["id"], what=self.request.action, goal=goal, proof=proof)
        return self.add(step, word=word, after=after)

    def stage(self, word: str, *, begun: Handle) -> Handle:
        """Add the waiting for the end of a stage of what another step has begun."""
        return self.add(act.Pass(id=begun["id"], stages=STAGES[word]), word=word)

    def password(self) -> dict[str, Any]:
        """Return the password as an argument: a reference into the key store, in no record itself."""
        if self.request.password is None:
            return {}
        self.secrets[PASSWORD] = self.request.password.encode()
        return {"password": expressions.secret(PASSWORD)}

    def image(self) -> str | None:
        """Return the id of the image from which the action starts; None if it names none."""
        named = self.request.template_id or self.request.template
        if named is None:
            return None
        ids_only = self.request.template_id is not None
        pointer = "/template_id" if ids_only else "/template"
        images = self.lookup.facts.images
        image = self.lookup.find(images, named, what="template", pointer=pointer, ids_only=ids_only)
        if image is not None and image.state is not ImageState.ACTIVE:
            self.lookup.fault(
                pointer, f"Image '{image.name}' cannot be booted: its state is '{image.status}'."
            )
        return image.id if image else None
