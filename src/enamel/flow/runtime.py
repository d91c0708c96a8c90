"""What all the tasks of a worker are carried out with."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Protocol

from enamel.clouds.accounts import Accounts
from enamel.flow.journal import Saver
from enamel.flow.signals import SignalWaiters
from enamel.steps.step import Prober


class Secrets(Protocol):
    """The key store, as far as the runner needs it."""

    async def get(self, reference: str) -> bytes:
        """Return a secret. Raises SecretMissing."""


class Runtime:
    """What all the tasks of a worker are carried out with."""

    def __init__(
        self,
        *,
        saver: Saver,
        accounts: Accounts,
        secrets: Secrets,
        prober: Prober,
        signals: SignalWaiters,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.saver = saver
        self.accounts = accounts
        self.secrets = secrets
        self.prober = prober
        self.signals = signals
        self.now = now
        self.sleep = sleep
