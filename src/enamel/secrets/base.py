"""What every key store offers."""

from typing import Protocol


class Keys(Protocol):
    """Keeps secrets; tasks hold references only."""

    async def put(self, secret: bytes) -> str:
        """Keep a secret and return the reference to it."""

    async def get(self, ref: str) -> bytes:
        """Return the secret that a reference stands for.

        Raises:
            SecretMissing: There is none, or it cannot be read.

        """

    async def delete(self, ref: str) -> None:
        """Remove a secret; one that is gone already stays gone."""
