"""`volume.create`: create a volume, empty or from an image, that is usable when the task has ended."""

from enamel.clouds.capability import Capability
from enamel.commands import quota
from enamel.commands.command import CommandRequest, Planned
from enamel.commands.facts import Facts, FactsNeeded
from enamel.commands.launch import template
from enamel.commands.lookup import Lookup
from enamel.flow.draft import Draft
from enamel.model import mark
from enamel.model.states import ImageState
from enamel.model.volume import VolumeRequest
from enamel.steps import volume


def ask(request: CommandRequest) -> FactsNeeded:
    """Return what has to be known: what the volume names, and what there may be."""
    body: VolumeRequest = request.body
    return FactsNeeded(
        images=body.template is not None,
        named={
            "images": frozenset(filter(None, (body.template,))),
            "volume_types": frozenset(filter(None, (body.type,))),
        },
        volume_types=body.type is not None,
        quota=quota.VOLUMES,
    )


def plan(request: CommandRequest, facts: Facts) -> Planned:
    """Return the plan that makes a volume."""
    body: VolumeRequest = request.body
    lookup = Lookup(facts)
    if Capability.VOLUME not in facts.capabilities:
        lookup.fault("", f"Cloud '{facts.cloud}' has no block-storage service.", "capability_missing")
    kind = None
    if body.type is not None:
        kind = lookup.find(facts.volume_types, body.type, what="volume type", pointer="/type")
    image = None
    if body.template is not None:
        image = lookup.find(facts.images, body.template, what="image", pointer="/template")
    if image is not None and image.state is not ImageState.ACTIVE:
        lookup.fault("/template", f"Image '{image.name}' cannot be used: its state is '{image.status}'.")
    elif image is not None and template.needed_gb(image) > body.size_gb:
        needed = template.needed_gb(image)
        detail = f"Template '{image.name}' needs {needed} GB; the volume has {body.size_gb}."
        lookup.fault("/size_gb", detail, "too_small")
    draft = Draft()
    created = draft.add(
        volume.CreateVolume(
            size_gb=body.size_gb,
            name=body.name,
            type=kind.name if kind else None,
            image_id=image.id if image else None,
        ),
        name=mark.VOLUME,
    )
    draft.add(volume.AwaitVolume(id=created["id"]))
    return Planned(plan=draft.plan(), faults=tuple(lookup.faults))
