"""Fingerprints and owners: nothing is guessed back, and what was never held is found."""

import hashlib
import os
import time
from datetime import timedelta
from pathlib import Path

import pytest

from enamel.model import ids
from enamel.model.errors import KeyStoreUnavailable
from enamel.secrets.local import Local

HOUR = timedelta(hours=1)


async def test_a_fingerprint_is_the_same_for_the_same_text_and_key_only(tmp_path: Path) -> None:
    first, again, other = Local(tmp_path / "a"), Local(tmp_path / "a"), Local(tmp_path / "b")
    known = await first.fingerprint(b"password")
    assert known == await again.fingerprint(b"password")
    assert known != await first.fingerprint(b"passwort")
    assert known != await other.fingerprint(b"password")
    assert len(known) == 64 and known != hashlib.sha256(b"password").hexdigest()


async def test_a_key_that_others_can_read_makes_no_fingerprints(tmp_path: Path) -> None:
    await Local(tmp_path).fingerprint(b"text")
    (tmp_path / "key").chmod(0o644)
    with pytest.raises(KeyStoreUnavailable, match="Others can read the key"):
        await Local(tmp_path).fingerprint(b"text")


async def test_secrets_with_an_owner_are_listed_when_they_are_old(tmp_path: Path) -> None:
    keys, owner = Local(tmp_path), ids.new_id()
    assert await keys.owned(older_than=HOUR) == {}
    ref, other = await keys.put(b"one", owner=owner), await keys.put(b"two", owner=owner)
    await keys.put(b"nobody's")
    assert await keys.owned(older_than=HOUR) == {}
    assert ref != other and await keys.get(ref) == b"one"
    for name in (ref, other):
        os.utime(tmp_path / name.removeprefix("local:"), (time.time() - 7200,) * 2)
    assert await keys.owned(older_than=HOUR) == {ref: owner[:23], other: owner[:23]}
