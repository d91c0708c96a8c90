"""The data directory: one process at a time."""

import stat
from pathlib import Path

import pytest

from enamel import bootstrap
from enamel.conf import settings
from enamel.model.errors import ServiceError
from enamel.store import dialects, migrations
from enamel.store.directory_lock import DatabaseLock, DirectoryLock
from tests.store.world import LEASE


def test_is_made_for_its_user_alone(tmp_path: Path) -> None:
    with DirectoryLock(tmp_path / "a" / "enamel"):
        assert stat.S_IMODE((tmp_path / "a" / "enamel").stat().st_mode) == 0o700


def test_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    with (
        DirectoryLock(tmp_path),
        pytest.raises(ServiceError, match="Another Enamel") as refused,
        DirectoryLock(tmp_path),
    ):
        pass
    assert "--data" in refused.value.advice
    with DirectoryLock(tmp_path):
        pass


def test_a_place_that_cannot_be_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ServiceError, match="cannot hold"), DirectoryLock(tmp_path / "file" / "data"):
        pass


@pytest.mark.parametrize(
    "way", ["the same path", "a symlink", "a hard link", "another spelling", "a linked directory"]
)
def test_a_database_is_held_by_one_whatever_the_path(tmp_path: Path, way: str) -> None:
    (tmp_path / "data").mkdir()
    file = tmp_path / "data" / "enamel.db"
    with DatabaseLock(f"sqlite:///{file}"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        other = {
            "the same path": file,
            "another spelling": tmp_path / "data" / ".." / "data" / "enamel.db",
        }.get(way, tmp_path / "other.db")
        if way == "a symlink":
            other.symlink_to(file)
        elif way == "a hard link":
            other.hardlink_to(file)
        elif way == "a linked directory":
            (tmp_path / "linked").symlink_to(tmp_path / "data")
            other = tmp_path / "linked" / "enamel.db"
        with pytest.raises(ServiceError, match="Another Enamel works on the database") as refused:
            DatabaseLock(f"sqlite:///{other}").__enter__()
        assert "[store] url" in refused.value.advice
    with DatabaseLock(f"sqlite:///{file}"):
        pass


def test_a_locked_database_can_be_used_by_its_holder(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'enamel.db'}"
    with DatabaseLock(url):
        engine = dialects.connect(url, idle_after=LEASE)
        migrations.upgrade(engine)
        engine.dispose()
        with pytest.raises(ServiceError), DatabaseLock(url):
            pass


def test_a_database_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(ServiceError, match="cannot be opened: No such file") as refused,
        DatabaseLock(f"sqlite:///{tmp_path / 'nowhere' / 'enamel.db'}"),
    ):
        pass
    assert "[store] url" in refused.value.advice


def test_what_is_no_file_is_not_locked() -> None:
    for url in ("postgresql://h/d", "sqlite://", "sqlite:///:memory:"):
        with DatabaseLock(url), DatabaseLock(url):
            pass


async def test_two_processes_with_data_of_their_own_do_not_share_a_database(tmp_path: Path) -> None:
    file = tmp_path / "enamel.conf"
    file.write_text(f"[store]\nurl = sqlite:///{tmp_path / 'shared.db'}\n")
    first, second = (
        settings.up({}, files=[file], data=tmp_path / name, port=0, sandbox=True) for name in ("one", "two")
    )
    async with bootstrap.up(first):
        with pytest.raises(ServiceError, match=r"Another Enamel works on the database .*shared\.db"):
            async with bootstrap.up(second):
                pass
