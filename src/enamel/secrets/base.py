"""The interface of every key store."""

from typing import Protocol


class Keys(Protocol):
    """Keeps secrets; tasks hold references only."""

    async def put(self, secret: bytes) -> str:
        """Keep a secret and return the reference to it.

        Raises:
            KeyStoreUnavailable: It cannot be kept now.

        """

    async def get(self, ref: str) -> bytes:
        """Return the secret that a reference stands for.

        Raises:
            SecretMissing: It does not exist, or cannot be read.
            KeyStoreUnavailable: No secret can be read now.

        """

    async def delete(self, ref: str) -> None:
        """Remove a secret; removing it twice does no harm.

        Raises:
            KeyStoreUnavailable: It cannot be removed now.

        """

    async def check(self) -> None:
        """Make sure that secrets can be kept.

        Raises:
            KeyStoreUnavailable: They cannot.

        """
