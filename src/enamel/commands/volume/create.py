"""`volume.create`: a volume, empty or from an image, that can be used when the task has ended."""

from enamel.clouds.capability import Capability
from enamel.commands import quota
from enamel.commands.command import CommandRequest, Planned
from enamel.commands.facts import Facts, FactsNeeded
from enamel.commands.launch import template
from enamel.commands.lookup import Lookup
from enamel.flow.draft import Draft
from enamel.model import mark
from enamel.model.states import ImageState
from enamel.model.volume import VolumeWish
from enamel.steps import volume


def ask(want: CommandRequest) -> FactsNeeded:
    """Return what has to be known: what the volume names, and what there may be."""
    wish: VolumeWish = want.body
    return FactsNeeded(
        images=wish.template is not None,
        volume_types=wish.type is not None,
        quota=quota.VOLUMES,
    )


def plan(want: CommandRequest, facts: Facts) -> Planned:
    """Return the plan that makes a volume."""
    wish: VolumeWish = want.body
    look = Lookup(facts)
    if Capability.VOLUME not in facts.capabilities:
        look.fault("", f"Cloud '{facts.cloud}' has no block-storage service.", "capability_missing")
    kind = None
    if wish.type is not None:
        kind = look.find(facts.volume_types, wish.type, what="volume type", pointer="/type")
    image = None
    if wish.template is not None:
        image = look.find(facts.images, wish.template, what="image", pointer="/template")
    if image is not None and image.state is not ImageState.ACTIVE:
        look.fault("/template", f"Image '{image.name}' cannot be used: its state is '{image.status}'.")
    elif image is not None and template.needed_gb(image) > wish.size_gb:
        needed = template.needed_gb(image)
        detail = f"Template '{image.name}' needs {needed} GB; the volume has {wish.size_gb}."
        look.fault("/size_gb", detail, "too_small")
    draft = Draft()
    made = draft.add(
        volume.CreateVolume(
            size_gb=wish.size_gb,
            name=wish.name,
            type=kind.name if kind else None,
            image_id=image.id if image else None,
        ),
        name=mark.VOLUME,
    )
    draft.add(volume.AwaitVolume(id=made["id"]))
    return Planned(plan=draft.plan(), faults=tuple(look.faults))
