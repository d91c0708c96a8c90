"""A project of its own on a real OpenStack, and an Enamel that works there."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.integration.lab import ENTRY, Enamel, served
from tests.integration.project import Project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    if not ENTRY:
        pytest.skip("ENAMEL_TEST_CLOUD names no real cloud")
    made = Project(ENTRY, file=tmp_path_factory.mktemp("clouds") / "clouds.yaml")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OS_CLIENT_CONFIG_FILE", str(made.file))
        yield made
    made.remove()


@pytest.fixture
async def enamel(project: Project, tmp_path: Path) -> AsyncIterator[Enamel]:
    async with served(project, tmp_path) as up:
        yield up
    project.clean_up()
    project.admin.clean_up()
