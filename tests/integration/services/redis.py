"""Redis for the tests."""

import redis

from tests.integration.services.daemon import HOST, Daemon


class Redis(Daemon):
    """A Redis server; what is in it is gone when it stops."""

    name = "redis"
    programs = ("redis-server",)
    packages = ("redis-server",)

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"redis://{HOST}:{self.port}/0"

    def prepare(self) -> None:
        """Need nothing: it keeps no data."""

    def command(self) -> list[str]:
        """Return what runs the server in the foreground."""
        options = {"bind": HOST, "port": str(self.port), "save": "", "appendonly": "no", "daemonize": "no"}
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        return [self.need("redis-server"), *words, "--dir", str(self.directory)]

    def ready(self) -> bool:
        """Tell whether the server answers."""
        try:
            with redis.Redis(host=HOST, port=self.port, socket_timeout=2) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False
