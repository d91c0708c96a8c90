"""The sender: a slow receiver holds up nobody else."""

import asyncio
import ipaddress
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from enamel.model import ids, task
from enamel.model.webhook import Webhook
from enamel.secrets.local import Local as Keys
from enamel.service.access.webhook_targets import WebhookTargets
from enamel.store import migrations, webhooks
from enamel.store.engine import Store
from enamel.store.lease import Lease
from enamel.worker import webhook
from enamel.worker.webhook import WebhookSender
from tests.flows import receiver as receivers
from tests.flows.receiver import Receiver
from tests.store import world

PATIENT = webhook.Settings(timeout=timedelta(minutes=30), poll_interval=timedelta(seconds=0.02))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store(f"sqlite:///{tmp_path / 'enamel.db'}", timeout=timedelta(seconds=60))
    await asyncio.to_thread(migrations.upgrade, opened.engine)
    yield opened
    await opened.close()


@pytest.fixture
async def sender(store: Store, tmp_path: Path) -> AsyncIterator[WebhookSender]:
    lease = Lease(store, name="worker", length=timedelta(minutes=30))
    await lease.take()
    guard = WebhookTargets([ipaddress.ip_network("127.0.0.0/8")])
    made = WebhookSender(lease, keys=Keys(tmp_path / "keys"), guard=guard, settings=PATIENT)
    serving = asyncio.create_task(made.serve())
    yield made
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


async def told(store: Store, receiver: Receiver, path: str) -> None:
    """Store a task that has one event, and a webhook for it."""
    over = await world.accept(store, state=task.State.COMPLETED)
    hook = Webhook(id=ids.new_id(), task=over.id, url=f"{receiver.url}/{path}")
    await store.run(webhooks.insert, [hook])


async def until_taken(receiver: Receiver, number: int) -> None:
    while len({message.path for message in receiver.taken}) < number:
        await asyncio.sleep(0.02)


async def test_forty_slow_ones_hold_up_no_good_one(store: Store, sender: WebhookSender) -> None:
    async with receivers.running() as slow, receivers.running() as good:
        slow.hold.clear()
        for number in range(40):
            await told(store, slow, str(number))
        await told(store, good, "good")
        await until_taken(good, 1)
        assert slow.taken == []
        # The slow ones get what is theirs as soon as they answer.
        slow.hold.set()
        await until_taken(slow, 40)
