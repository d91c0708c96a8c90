"""The interface of every key store."""

from datetime import timedelta
from typing import Protocol


class Keys(Protocol):
    """Keeps secrets; tasks hold references only."""

    async def put(self, secret: bytes, *, owner: str = "") -> str:
        """Keep a secret and return the reference to it.

        Args:
            secret: The secret.
            owner: The id of the task that is going to hold the reference; what never gets to be held can then be found.

        Raises:
            KeyStoreUnavailable: It cannot be kept now.

        """

    async def owned(self, *, older_than: timedelta) -> dict[str, str]:
        """Return the references to secrets with an owner that are older than some time, each with how its id begins.

        Raises:
            KeyStoreUnavailable: They cannot be listed now.

        """

    async def fingerprint(self, text: bytes) -> str:
        """Return 64 characters that are the same for the same text only, and tell nothing of it without the key.

        Raises:
            KeyStoreUnavailable: There is no key now.

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
