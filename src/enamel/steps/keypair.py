"""Steps on keypairs: the public key that a launch brings along."""

from collections.abc import Collection
from typing import ClassVar

from enamel.clouds.capability import Capability
from enamel.model import task
from enamel.model.errors import CloudConflict
from enamel.steps.step import Context, Outputs, Step


def same_key(this: str, other: str) -> bool:
    """Tell whether two public keys are the same but for their comments."""
    return this.split()[:2] == other.split()[:2]


class ImportKeypair(Step, frozen=True, kw_only=True):
    """Import a public key under a name that the project does not have yet."""

    kind: ClassVar[str] = "keypair.import"
    action: ClassVar[str] = "IMPORTING_KEYPAIR"
    requires: ClassVar[frozenset[Capability]] = frozenset({Capability.KEYPAIRS})
    undoable: ClassVar[bool] = True

    name: str
    public_key: str

    def needs(self) -> dict[str, int]:
        """Return how much of each quota it uses up."""
        return {"keypairs": 1}

    async def do(self, at: Context) -> Outputs:
        """Import the key; an existing key of this name is used and never undone."""
        try:
            await at.cloud.create_keypair(self.name, public_key=self.public_key)
        except CloudConflict:
            existing = await at.cloud.keypair(self.name)
            if existing is None or not same_key(existing.public_key, self.public_key):
                raise
            return {"name": self.name, "imported": False}
        return {"name": self.name, "imported": True}

    async def find(self, at: Context) -> Outputs | None:
        """Find the key by its name; keypairs carry no marks."""
        existing = await at.cloud.keypair(self.name)
        if existing is None or not same_key(existing.public_key, self.public_key):
            return None
        return {"name": self.name, "imported": True}

    async def undo(self, at: Context, outputs: Outputs, *, only: Collection[int] | None = None) -> None:
        """Delete the key, if this step has imported it and nobody has replaced it since."""
        if not outputs["imported"]:
            return
        existing = await at.cloud.keypair(outputs["name"])
        if existing is not None and same_key(existing.public_key, self.public_key):
            await at.cloud.delete_keypair(outputs["name"])

    @staticmethod
    def made(outputs: Outputs) -> list[task.Made]:
        """Return the keypair, if this step has imported it."""
        name = outputs["name"]
        return [task.Made(kind="keypair", id=name, name=name)] if outputs["imported"] else []
