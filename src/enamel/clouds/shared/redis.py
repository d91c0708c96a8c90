"""A backend of the shared store on Redis, or on a server with the same protocol, such as Valkey."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from redis import asyncio as redis
from redis.exceptions import OutOfMemoryError


class Redis:
    """One Redis server."""

    def __init__(self, url: str) -> None:
        """Prepare a connection.

        Args:
            url: `redis://user:password@host:6379/0`, or `rediss://…` over TLS.

        """
        address = urlsplit(url)
        self.name = f"Redis at {address.hostname}:{address.port or 6379}"
        self._redis = redis.Redis.from_url(url)

    async def read(self, keys: tuple[str, ...]) -> Mapping[str, bytes]:
        """Return the values of those keys that exist."""
        values = await self._redis.mget(keys)
        return {key: value for key, value in zip(keys, values, strict=True) if isinstance(value, bytes)}

    async def write(self, key: str, value: bytes, *, seconds: int) -> bool:
        """Store a value; False if the server has no room for it."""
        try:
            return bool(await self._redis.set(key, value, ex=seconds))
        except OutOfMemoryError:
            return False

    async def claim(self, key: str, value: bytes, *, seconds: int) -> bool:
        """Store a value unless the key exists."""
        return bool(await self._redis.set(key, value, ex=seconds, nx=True))

    async def count(self, key: str, by: int, *, seconds: int) -> int:
        """Add to a number that begins at 0, and return it."""
        async with self._redis.pipeline(transaction=True) as together:
            # A number that is new begins with its end.
            together.set(key, 0, ex=seconds, nx=True)
            together.incrby(key, by)
            _, total = await together.execute()
        return int(total)

    async def erase(self, keys: tuple[str, ...]) -> None:
        """Delete values."""
        await self._redis.delete(*keys)

    async def close(self) -> None:
        """Close the connections; the next request opens others."""
        await self._redis.connection_pool.disconnect()
