"""What an operator may get wrong: each process refuses to start, and says in a sentence what to do."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from enamel.sandbox import kernel, serve
from tests.integration import fleet
from tests.store import databases

pytestmark = [pytest.mark.timeout(300)]


@pytest.fixture(params=databases.PARAMETERS[1:])
def there(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[fleet.Fleet]:
    """An empty database and a cloud, and nobody who uses them."""
    with fleet.database(databases.url(request.param)) as empty, serve.in_thread(kernel.Settings()) as cloud:
        (tmp_path / "clouds.yaml").write_text(cloud.clouds_yaml())
        yield fleet.Fleet(tmp_path, empty)


def refused(there: fleet.Fleet, *words: str, code: int = 1) -> str:
    """Run a command that is to fail, and return what it says."""
    done = there.run(*words)
    assert done.returncode == code and "Traceback" not in done.stderr, done
    return done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("worker", "--types", "server.make"),
            "No type of task fits 'server.make'; there are address.attach",
        ),
        (("worker", "--types", "?"), "--types: '?' names no topics"),
        (("worker", "--types", "server.create,!server.*"), "leaves no type of task to take"),
        (("worker", "--max-tasks", "0"), "--max-tasks: 0 is out of bounds"),
        (("api", "--port", "70000"), "--port: 70000 is out of bounds"),
        (("api", "--host", "0.0.0.0"), "not a loopback address"),
    ],
)
def test_words_without_meaning(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    nobody = fleet.Fleet(tmp_path, "postgresql+psycopg://enamel@127.0.0.1:1/enamel")
    assert said in refused(nobody, *words, code=2)


def test_a_schema_that_does_not_fit(there: fleet.Fleet) -> None:
    for words in (("worker",), ("api", "--port", "0"), ("db", "check")):
        assert "Run `enamel db upgrade`" in refused(there, *words)
    assert "missing" in there.run("db", "history").stdout
    assert there.run("db", "upgrade").returncode == 0
    assert there.run("db", "check").returncode == 0
    assert "missing" not in there.run("db", "history").stdout
    assert there.run("db", "purge", "--older-than", "1d").stdout == "Removed the records of 0 tasks.\n"
    engine = sa.create_engine(there.store)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = 'expand_9999'"))
    engine.dispose()
    for words in (("worker",), ("db", "upgrade")):
        assert "a newer version of Enamel" in refused(there, *words)


def test_a_database_that_cannot_be_used(there: fleet.Fleet, tmp_path: Path) -> None:
    server = sa.make_url(there.store)
    cases = {
        server.set(port=1): "cannot be used: ",
        server.set(database="nowhere"): "nowhere",
        server.set(drivername="oracle"): "begins with oracle, which Enamel does not know",
    }
    for url, said in cases.items():
        other = fleet.Fleet(tmp_path, url.render_as_string(hide_password=False))
        told = refused(other, "worker")
        assert said in told and "[store] url" in told and f":{server.password}@" not in told
