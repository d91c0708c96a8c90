"""What integration tests work on: a project of a real OpenStack, and databases and a broker that may be killed."""

import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tests import real_cloud
from tests.integration import lab
from tests.integration.lab import ENTRY, Enamel
from tests.integration.project import Project
from tests.integration.services import debian
from tests.integration.services.daemon import Daemon
from tests.integration.services.mariadb import MariaDB
from tests.integration.services.postgresql import PostgreSQL
from tests.integration.services.rabbitmq import RabbitMQ


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    if not ENTRY:
        pytest.skip(real_cloud.NEEDED)
    made = Project(ENTRY, file=tmp_path_factory.mktemp("clouds") / "clouds.yaml")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OS_CLIENT_CONFIG_FILE", str(made.file))
        yield made
    made.remove()


@pytest.fixture
async def enamel(project: Project, tmp_path: Path) -> AsyncIterator[Enamel]:
    async with lab.served(project, tmp_path) as up:
        yield up
    project.clean_up()
    project.admin.clean_up()


@pytest.fixture(params=[PostgreSQL, MariaDB], ids=["postgresql", "mariadb"])
def database(request: pytest.FixtureRequest) -> Iterator[Daemon]:
    """A database of its own, to be killed."""
    yield from _killable(request.param)


@pytest.fixture
def broker() -> Iterator[Daemon]:
    """A broker of its own, to be killed."""
    yield from _killable(RabbitMQ)


def _killable(kind: Callable[[Path], Daemon]) -> Iterator[Daemon]:
    # Not in pytest's own directory: a database's own user must get through to its data.
    with tempfile.TemporaryDirectory(prefix="enamel-chaos-", ignore_cleanup_errors=True) as place:
        Path(place).chmod(0o711)
        daemon = kind(Path(place))
        try:
            daemon.start()
        except debian.Unavailable as why:
            pytest.skip(f"{daemon.name} cannot be had: {why}")
        try:
            yield daemon
        finally:
            daemon.stop()
