"""The data directory: one process at a time."""

import os
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


def test_what_others_may_do_in_the_directory_ends(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    (tmp_path / "enamel.db").touch(0o644)
    (tmp_path / "secrets").mkdir(mode=0o755)
    with DirectoryLock(tmp_path):
        modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path, *tmp_path.iterdir())}
    assert modes == {tmp_path.name: 0o700, "enamel.db": 0o600, "secrets": 0o700, "lock": 0o600}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_another_users_directory_is_refused(tmp_path: Path) -> None:
    os.chown(tmp_path, 65534, 65534)
    with pytest.raises(ServiceError, match="another user's") as refused, DirectoryLock(tmp_path):
        pass
    assert "--data" in refused.value.advice
