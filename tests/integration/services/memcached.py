"""memcached for the tests."""

import os

from tests.integration.services.daemon import HOST, Daemon


class Memcached(Daemon):
    """A memcached server; what is in it is gone when it stops."""

    name = "memcached"
    programs = ("memcached",)
    packages = ("memcached",)

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"memcached://{HOST}:{self.port}"

    def prepare(self) -> None:
        """Need nothing: it keeps no data."""

    def command(self) -> list[str]:
        """Return what runs the server in the foreground."""
        user = ["-u", "root"] if os.geteuid() == 0 else []
        return [self.need("memcached"), *user, "-l", HOST, "-p", str(self.port), "-U", "0", "-m", "64"]

    def ready(self) -> bool:
        """Tell whether the server answers."""
        return self.answers()
