"""The data directory: one process at a time."""

import stat
from pathlib import Path

import pytest

from enamel.model.errors import ServiceError
from enamel.store.directory_lock import DirectoryLock


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
