"""Asking several clouds at once: none of them is waited for long, and one that is silent not at all.

A cloud that has not answered in time is asked on, in the background; until it answers, whoever asks next learns at once
since when it has been silent.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from enamel.clouds import driver
from enamel.model.errors import CloudError, CloudUnreachable, EnamelError

T = TypeVar("T")

PATIENCE = timedelta(seconds=2)
"""How long one cloud among several is waited for."""
GIVEN_UP = timedelta(seconds=30)
"""How long a cloud is asked on in the background."""
ASKED_AGAIN = timedelta(seconds=5)
"""How long after a failed question a silent cloud is asked again, if somebody wants to know."""
MOST = 1000
"""How many silent clouds are remembered, over all callers."""


class _Silence:
    """A cloud that does not answer."""

    def __init__(self, asking: asyncio.Task[object]) -> None:
        self.since = datetime.now(UTC)
        self.asking = asking
        self.asked_at = time.monotonic()

    def may_ask(self) -> bool:
        """Tell whether it is time for another question."""
        return self.asking.done() and time.monotonic() - self.asked_at >= ASKED_AGAIN.total_seconds()


class Answers:
    """Collects the answers of clouds, and remembers which of them are silent."""

    def __init__(self, *, patience: timedelta = PATIENCE) -> None:
        """Remember nothing yet.

        Args:
            patience: How long one cloud among several is waited for.
        """
        self._patience = patience.total_seconds()
        self._silent: dict[Hashable, _Silence] = {}

    async def of(
        self,
        who: Hashable,
        accounts: Sequence[driver.Cloud],
        question: Callable[[driver.Cloud], Awaitable[T]],
    ) -> list[T | EnamelError]:
        """Return what each cloud answers, or the error that says why it does not.

        Args:
            who: Who asks: a cloud may be silent for one party alone.
            accounts: The clouds. The only one is waited for as long as it takes.
            question: Asks one cloud.
        """
        if len(accounts) == 1:
            return [await _caught(question(accounts[0]))]
        pending: dict[int, asyncio.Task[T | EnamelError]] = {}
        answers: dict[int, T | EnamelError] = {}
        for number, account in enumerate(accounts):
            silence = self._silent.get((who, account.name))
            if silence is None:
                pending[number] = asyncio.create_task(_caught(question(account)))
                continue
            if silence.may_ask():
                self._ask_on((who, account.name), asyncio.create_task(_caught(question(account))))
            answers[number] = _unheard(account, silence)
        try:
            if pending:
                await asyncio.wait(pending.values(), timeout=self._patience)
        except asyncio.CancelledError:
            for task in pending.values():
                task.cancel()
            raise
        for number, task in pending.items():
            if task.done():
                answers[number] = task.result()
            else:
                key = (who, accounts[number].name)
                self._ask_on(key, task)
                answers[number] = _unheard(accounts[number], self._silent[key])
        return [answers[number] for number in range(len(accounts))]

    def _ask_on(self, key: Hashable, asking: asyncio.Task[T | EnamelError]) -> None:
        """Wait for an answer in the background; with it, the silence ends."""
        silence = self._silent.get(key)
        if silence is None:
            silence = self._silent[key] = _Silence(asking)
            if len(self._silent) > MOST:
                del self._silent[next(iter(self._silent))]
        silence.asking, silence.asked_at = asking, time.monotonic()
        timer = asyncio.get_running_loop().call_later(GIVEN_UP.total_seconds(), asking.cancel)

        def heard(task: asyncio.Task[T | EnamelError]) -> None:
            timer.cancel()
            unheard = task.cancelled() or task.exception() or isinstance(task.result(), CloudUnreachable)
            if not unheard and self._silent.get(key) is silence:
                del self._silent[key]

        asking.add_done_callback(heard)


async def _caught(answer: Awaitable[T]) -> T | EnamelError:
    """Return an answer, or the error in its place."""
    try:
        return await answer
    except EnamelError as error:
        return error


def _unheard(account: driver.Cloud, silence: _Silence) -> CloudError:
    return CloudUnreachable(
        f"Cloud '{account.name}' has not answered since {silence.since:%Y-%m-%dT%H:%M:%SZ}.",
        cloud=account.name,
        remedy="`enamel doctor` tries it and says what is wrong. The other clouds' part of the answer is complete.",
    )
