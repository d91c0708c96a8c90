"""The key store of a single user: one encrypted file per secret, in a directory that is theirs alone."""

import asyncio
import contextlib
import os
import re
import uuid
from collections.abc import Iterator
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from enamel.model.errors import KeyStoreUnavailable, SecretMissing

_REF = re.compile(r"local:[0-9a-f]{32}")
_NONCE = 12
_KEY_BITS = 256


class Local:
    """Keeps secrets in files, sealed with AES-GCM under a key beside them.

    The key protects copies of single files and of the store. Whoever can read the whole directory can read the secrets:
    that is the user, whose secrets they are.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._cipher: AESGCM | None = None

    async def put(self, secret: bytes) -> str:
        """Keep a secret and return the reference to it.

        Raises:
            KeyStoreUnavailable: The directory cannot be written, or its key is none.

        """
        return await asyncio.to_thread(self._put, secret)

    async def get(self, ref: str) -> bytes:
        """Return the secret that a reference stands for.

        Raises:
            SecretMissing: There is none, or it cannot be read.
            KeyStoreUnavailable: The directory cannot be read, or its key is none.

        """
        return await asyncio.to_thread(self._get, ref)

    async def delete(self, ref: str) -> None:
        """Remove a secret; removing it twice does no harm.

        Raises:
            KeyStoreUnavailable: Its file cannot be removed.

        """
        await asyncio.to_thread(self._delete, ref)

    async def check(self) -> None:
        """Make sure that secrets can be kept, by writing one and removing it again.

        Raises:
            KeyStoreUnavailable: They cannot.

        """
        await self.delete(await self.put(b""))

    def _delete(self, ref: str) -> None:
        with self._usable():
            self._path(ref).unlink(missing_ok=True)

    def _put(self, secret: bytes) -> str:
        ref = f"local:{uuid.uuid4().hex}"
        nonce = os.urandom(_NONCE)
        # The reference is sealed in, so that no file can be passed off as another.
        with self._usable():
            sealed = nonce + self._open().encrypt(nonce, secret, ref.encode())
            self._write(self._path(ref), sealed)
        return ref

    def _get(self, ref: str) -> bytes:
        path = self._path(ref)
        with self._usable():
            try:
                sealed = path.read_bytes()
            except FileNotFoundError as error:
                raise SecretMissing(f"The key store has no secret {ref}.") from error
            cipher = self._open()
        try:
            return cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], ref.encode())
        except (InvalidTag, ValueError) as error:
            raise SecretMissing(
                f"The secret {ref} cannot be opened: its file or the key was changed.",
                remedy=f"Put {self._key_path.name} back as it was, or start the task again.",
            ) from error

    def _open(self) -> AESGCM:
        """Return the cipher, with the key that lies in the directory; make that on first use."""
        if self._cipher is None:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self._key_path.exists():
                self._write(self._key_path, AESGCM.generate_key(_KEY_BITS))
            if self._key_path.stat().st_mode & 0o077:
                raise KeyStoreUnavailable(
                    f"Others can read the key {self._key_path}, so it keeps nothing secret.",
                    remedy=f"Run `chmod 600 {self._key_path}`, and check who may have read it.",
                )
            self._cipher = AESGCM(self._key())
        return self._cipher

    def _key(self) -> bytes:
        """Return the key, which must have its length: an empty file is what a full disk may leave of one."""
        key = self._key_path.read_bytes()
        if len(key) * 8 != _KEY_BITS:
            raise KeyStoreUnavailable(
                f"The key {self._key_path} has {len(key)} bytes and not {_KEY_BITS // 8}: it is damaged.",
                remedy=f"Put {self._key_path} back from a backup. If no task needs its secrets any more, remove the "
                "directory; a new key is made.",
            )
        return key

    @contextlib.contextmanager
    def _usable(self) -> Iterator[None]:
        """Say what is wrong with the directory where it cannot be used."""
        try:
            yield
        except OSError as error:
            raise KeyStoreUnavailable(
                f"The key store {self._directory} cannot be used: {error.strerror or error}."
            ) from error

    @property
    def _key_path(self) -> Path:
        return self._directory / "key"

    def _path(self, ref: str) -> Path:
        if not _REF.fullmatch(ref):
            raise SecretMissing(f"'{ref}' is not a reference into this key store.")
        return self._directory / ref.removeprefix("local:")

    def _write(self, path: Path, content: bytes) -> None:
        """Write a file that only the user can read, as a whole or not at all; an existing one is kept."""
        draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            # Of two processes that make the key at the same time, the first one's counts.
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
