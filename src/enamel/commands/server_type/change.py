"""`server_type.change`: change the name, the numbers or the users of a server type."""

from typing import Any

from msgspec import structs

from enamel.commands.command import CommandRequest, Planned
from enamel.commands.facts import Facts, FactsNeeded
from enamel.flow.draft import Draft
from enamel.model import cloud
from enamel.model.errors import Fault
from enamel.model.server_type import ServerTypeChange, Visibility
from enamel.steps import server_type


def ask(request: CommandRequest) -> FactsNeeded:
    """Return what has to be known: everything of the type, and which names are taken."""
    return FactsNeeded(flavors=True, flavor=request.params["server_type"])


def plan(request: CommandRequest, facts: Facts) -> Planned:
    """Return the plan that changes a server type: one step, which knows the type as it was and as it is to be."""
    if facts.flavor is None:
        raise AssertionError("the facts of a change have the server type")
    body: ServerTypeChange = request.body
    before, faults = facts.flavor, []
    if body == ServerTypeChange():
        detail = "Name what is to be different: `name`, `description`, `spec` or `visibility`."
        faults.append(Fault(pointer="", detail=detail, code="required"))
    if any(other.name == body.name and other.id != before.id for other in facts.flavors):
        detail = f"Another server type has the name '{body.name}'."
        faults.append(Fault(pointer="/name", detail=detail, code="taken"))
    after = structs.replace(before, **_changes(body), **_visibility(body, before, facts.identity))
    draft = Draft()
    draft.add(server_type.ChangeServerType(before=before, after=after))
    return Planned(plan=draft.plan(), faults=tuple(faults))


def _changes(body: ServerTypeChange) -> dict[str, Any]:
    """Return the fields of the flavor that are named."""
    spec = body.spec
    named = {
        "name": body.name,
        "description": body.description,
        "memory_mb": spec and spec.memory_mb,
        "vcpus": spec and spec.cpu_units,
        "disk_gb": spec and spec.root_disk_gb,
        "swap_mb": spec and spec.swap_mb,
        "rxtx_factor": spec and spec.rxtx_factor,
    }
    return {field: value for field, value in named.items() if value is not None}


def _visibility(body: ServerTypeChange, before: cloud.Flavor, me: cloud.Identity) -> dict[str, Any]:
    """Return what another visibility means: what is everyone's is shared with nobody, what is not is somebody's."""
    if body.visibility is None or (body.visibility is Visibility.PUBLIC) == before.public:
        return {}
    owner = before.marks.owner or me.project_id
    if body.visibility is Visibility.PUBLIC:
        marks = structs.replace(before.marks, owner=owner, users=(), guests=())
        return {"public": True, "projects": (), "marks": marks}
    return {
        "public": False,
        "projects": (owner,),
        "marks": structs.replace(before.marks, owner=owner),
    }
