"""The local key store: what goes in comes out to its owner, and is readable nowhere."""

import asyncio
import errno
import os
import shutil
import stat
from pathlib import Path

import pytest

from enamel.model.errors import KeyStoreUnavailable, SecretMissing
from enamel.secrets.local import Local
from enamel.store import idempotency, migrations, tasks
from enamel.store.engine import Store
from tests.store import world

SECRET = b"planted-s3cret-value"


@pytest.fixture
def keys(tmp_path: Path) -> Local:
    return Local(tmp_path / "data" / "keys")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_keeps_and_removes_a_secret(keys: Local) -> None:
    ref = await keys.put(SECRET)
    assert await keys.get(ref) == SECRET
    await keys.delete(ref)
    await keys.delete(ref)
    with pytest.raises(SecretMissing, match=ref):
        await keys.get(ref)


async def test_another_process_reads_it_with_the_same_key(keys: Local, tmp_path: Path) -> None:
    refs = await asyncio.gather(*(keys.put(SECRET) for _ in range(8)))
    again = Local(tmp_path / "data" / "keys")
    assert {await again.get(ref) for ref in refs} == {SECRET}


async def test_processes_that_start_together_share_one_key(tmp_path: Path) -> None:
    both = [Local(tmp_path / "keys") for _ in range(6)]
    refs = await asyncio.gather(*(each.put(SECRET) for each in both))
    assert [await both[0].get(ref) for ref in refs] == [SECRET] * 6


async def test_files_are_their_users_alone(keys: Local, tmp_path: Path) -> None:
    await keys.put(SECRET)
    directory = tmp_path / "data" / "keys"
    assert mode(directory) == 0o700
    assert len(list(directory.iterdir())) == 2
    assert {mode(path) for path in directory.iterdir()} == {0o600}


async def test_a_key_that_others_can_read_keeps_no_secret(keys: Local, tmp_path: Path) -> None:
    await keys.put(SECRET)
    (tmp_path / "data" / "keys" / "key").chmod(0o644)
    with pytest.raises(SecretMissing, match="Others can read") as refused:
        await Local(tmp_path / "data" / "keys").put(SECRET)
    assert "chmod 600" in refused.value.advice


async def test_a_changed_file_is_noticed(keys: Local, tmp_path: Path) -> None:
    one, two = await keys.put(SECRET), await keys.put(b"other")
    directory = tmp_path / "data" / "keys"
    (directory / one.removeprefix("local:")).write_bytes(
        (directory / two.removeprefix("local:")).read_bytes()
    )
    with pytest.raises(SecretMissing, match="was changed"):
        await keys.get(one)
    (directory / two.removeprefix("local:")).write_bytes(b"")
    with pytest.raises(SecretMissing, match="was changed"):
        await keys.get(two)


@pytest.mark.parametrize(
    "ref", ["local:../../etc/passwd", "local:key", "barbican:1", "", "local:" + "A" * 32]
)
async def test_a_reference_from_elsewhere_opens_nothing(keys: Local, ref: str) -> None:
    await keys.put(SECRET)
    for refused in (keys.get(ref), keys.delete(ref)):
        with pytest.raises(SecretMissing, match="not a reference"):
            await refused


async def test_a_planted_secret_is_in_no_file(keys: Local, tmp_path: Path) -> None:
    ref = await keys.put(SECRET)
    store = Store(f"sqlite:///{tmp_path / 'data' / 'enamel.db'}")
    migrations.upgrade(store.engine)
    await world.accept(store, secrets=(ref,), request={"user_data": "***"})
    assert len((await store.read(tasks.list))[0].secrets) == 1
    await store.run(idempotency.purge)
    files = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert len(files) >= 4
    assert [path for path in files if SECRET in path.read_bytes()] == []
    await store.close()


@pytest.mark.parametrize("left", [b"", b"short"])
async def test_a_damaged_key_is_named_and_is_no_fault_of_the_service(tmp_path: Path, left: bytes) -> None:
    directory = tmp_path / "keys"
    ref = await Local(directory).put(SECRET)
    key = (directory / "key").read_bytes()
    (directory / "key").write_bytes(left)
    keys = Local(directory)
    for use in (keys.put(SECRET), keys.get(ref), keys.check()):
        with pytest.raises(KeyStoreUnavailable, match=f"has {len(left)} bytes and not 32") as refused:
            await use
        assert refused.value.status == 503 and str(directory / "key") in refused.value.advice
    (directory / "key").write_bytes(key)
    assert await keys.get(ref) == SECRET


async def test_a_full_disk_is_told_and_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = Local(tmp_path / "keys")

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        for use in (keys.put(SECRET), keys.check()):
            with pytest.raises(KeyStoreUnavailable, match="No space left on device") as refused:
                await use
            assert refused.value.status == 503 and refused.value.retryable
        assert list((tmp_path / "keys").iterdir()) == []
    await keys.check()
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["key"]
    assert await keys.get(await keys.put(SECRET)) == SECRET


async def test_a_directory_that_is_gone_is_told(tmp_path: Path) -> None:
    keys = Local(tmp_path / "keys")
    await keys.put(SECRET)
    shutil.rmtree(tmp_path / "keys")
    with pytest.raises(KeyStoreUnavailable, match="cannot be used"):
        await keys.put(SECRET)
