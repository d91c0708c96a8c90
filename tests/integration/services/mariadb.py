"""MariaDB for the tests."""

import os

import pymysql

from tests.integration.services.daemon import HOST, Daemon

_PASSWORD = "enamel"


class MariaDB(Daemon):
    """A MariaDB server with an empty database."""

    name = "mariadb"
    programs = ("mariadb-install-db", "mariadbd")
    places = ("/usr/sbin",)
    packages = ("mariadb-server",)

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"mariadb+pymysql://enamel:{_PASSWORD}@{HOST}:{self.port}/enamel"

    def prepare(self) -> None:
        """Make the data directory, once."""
        data = self.directory / "data"
        if (data / "mysql").exists():
            return
        self.run(
            *(self.need("mariadb-install-db"), "--no-defaults", *self._user(), f"--datadir={data}"),
            *("--skip-test-db", "--auth-root-authentication-method=normal"),
        )
        (self.directory / "init.sql").write_text(
            "CREATE DATABASE IF NOT EXISTS enamel;\n"
            f"CREATE USER IF NOT EXISTS enamel IDENTIFIED BY '{_PASSWORD}';\n"
            "GRANT ALL ON *.* TO enamel;\n"
        )

    def command(self) -> list[str]:
        """Return what runs the server in the foreground."""
        safe = os.environ.get("ENAMEL_TEST_FSYNC", "off") == "on"
        return [
            *(self.need("mariadbd"), "--no-defaults", *self._user(), f"--datadir={self.directory / 'data'}"),
            *(f"--bind-address={HOST}", f"--port={self.port}", f"--socket={self.directory / 'socket'}"),
            *(f"--pid-file={self.directory / 'own.pid'}", f"--init-file={self.directory / 'init.sql'}"),
            *("--skip-name-resolve", "--skip-log-bin", "--max-connections=300"),
            f"--innodb-flush-log-at-trx-commit={1 if safe else 2}",
        ]

    def ready(self) -> bool:
        """Tell whether the server answers."""
        try:
            pymysql.connect(
                host=HOST,
                port=self.port,
                user="enamel",
                password=_PASSWORD,
                database="enamel",
                connect_timeout=2,
            ).close()
        except pymysql.MySQLError:
            return False
        return True

    @staticmethod
    def _user() -> list[str]:
        """Return the option without which it refuses to be run by root."""
        return ["--user=root"] if os.geteuid() == 0 else []
