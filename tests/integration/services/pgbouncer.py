"""pgbouncer for the tests: transactions of many clients share few connections to a PostgreSQL of its own."""

import os
import shutil

import psycopg

from tests.integration.services.daemon import HOST, Daemon
from tests.integration.services.postgresql import PostgreSQL


class PgBouncer(Daemon):
    """A pooler in transaction mode, and the PostgreSQL behind it."""

    name = "pgbouncer"
    programs = ("pgbouncer",)
    places = ("/usr/sbin",)
    packages = ("pgbouncer",)

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"postgresql+psycopg://enamel@{HOST}:{self.port}/enamel"

    @property
    def behind(self) -> PostgreSQL:
        """The database that it pools connections to."""
        return PostgreSQL(self.directory)

    def user(self) -> str | None:
        """Return PostgreSQL's user where this one is root: it refuses to be run by root."""
        return "postgres" if os.geteuid() == 0 else None

    def prepare(self) -> None:
        """Write its configuration, and start the database."""
        self.directory.parent.chmod(0o711)
        self.directory.chmod(0o711)
        database = self.behind.start()
        users, file = self.directory / "users", self.directory / "pgbouncer.ini"
        users.write_text('"enamel" ""\n')
        file.write_text(
            f"[databases]\n* = host={HOST} port={database.port} user=enamel\n"
            f"[pgbouncer]\nlisten_addr = {HOST}\nlisten_port = {self.port}\nunix_socket_dir =\n"
            f"auth_type = trust\nauth_file = {users}\npool_mode = transaction\n"
            # Few and in turn, so that hardly two transactions of a client are on the same one.
            "default_pool_size = 10\nserver_round_robin = 1\nmax_client_conn = 300\n"
        )
        if user := self.user():
            for path in (users, file):
                shutil.chown(path, user)

    def command(self) -> list[str]:
        """Return what runs the server in the foreground."""
        return [self.need("pgbouncer"), str(self.directory / "pgbouncer.ini")]

    def ready(self) -> bool:
        """Tell whether the server answers."""
        try:
            psycopg.connect(self.url.replace("+psycopg", ""), prepare_threshold=None).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """Have both servers end."""
        super().stop()
        self.behind.stop()
