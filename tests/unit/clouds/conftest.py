"""A stage, and the cloud that it plays."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from enamel.clouds.openstack import cloud
from tests.unit.clouds import stage as play


@pytest.fixture
async def stage() -> AsyncIterator[play.Stage]:
    async with play.performed() as stage:
        yield stage


@pytest.fixture
async def there(stage: play.Stage, tmp_path: Path) -> AsyncIterator[cloud.OpenStackCloud]:
    async with play.cloud_on(stage, tmp_path) as there:
        yield there
