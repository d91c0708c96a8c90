"""PostgreSQL for the tests."""

import os
import shutil
import signal

import psycopg

from tests.integration.services.daemon import HOST, Daemon


class PostgreSQL(Daemon):
    """A PostgreSQL server with an empty database."""

    name = "postgresql"
    programs = ("initdb", "postgres")
    places = ("/usr/lib/postgresql/*/bin",)
    packages = ("postgresql",)

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"postgresql+psycopg://enamel@{HOST}:{self.port}/enamel"

    def user(self) -> str | None:
        """Return its own user where this one is root: it refuses to be run by root."""
        return "postgres" if os.geteuid() == 0 else None

    def prepare(self) -> None:
        """Make the data directory, once."""
        data = self.directory / "data"
        if (data / "PG_VERSION").exists():
            return
        if user := self.user():
            # Its user must be able to reach what is in a temporary directory of root's.
            self.directory.parent.chmod(0o711)
            shutil.chown(self.directory, user)
        self.run(
            *(self.need("initdb"), "--pgdata", str(data), "--username=enamel", "--auth=trust"),
            *("--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"),
        )

    def command(self) -> list[str]:
        """Return what runs the server in the foreground."""
        settings = {
            "listen_addresses": HOST,
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "300",
            "shared_buffers": "128MB",
            # The tests kill servers, not machines; benchmarks say otherwise.
            "fsync": os.environ.get("ENAMEL_TEST_FSYNC", "off"),
        }
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [self.need("postgres"), "-D", str(self.directory / "data"), *words]

    def ready(self) -> bool:
        """Tell whether the server answers, and make its database."""
        try:
            with psycopg.connect(
                f"postgresql://enamel@{HOST}:{self.port}/postgres", autocommit=True
            ) as admin:
                if admin.execute("SELECT 1 FROM pg_database WHERE datname = 'enamel'").fetchone() is None:
                    admin.execute("CREATE DATABASE enamel")
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """Have the server end without waiting for its clients to leave."""
        self._end(self.name, signal.SIGINT)
