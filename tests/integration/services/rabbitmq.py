"""RabbitMQ for the tests, with a port mapper of its own."""

import signal
from collections.abc import Mapping
from pathlib import Path

import kombu

from tests.integration.services.daemon import HOST, Daemon


class RabbitMQ(Daemon):
    """A RabbitMQ broker."""

    name = "rabbitmq"
    # The commands in the PATH insist on a user; those that they call do not.
    programs = ("epmd", "rabbitmq-server")
    packages = ("rabbitmq-server",)

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"amqp://guest:guest@{HOST}:{self.port}//"

    def environment(self) -> Mapping[str, str]:
        """Return what keeps it in its directory and away from every other broker."""
        place = self.directory
        distribution = self._kept_port("distribution")
        return {
            "HOME": str(place),
            "RABBITMQ_NODENAME": f"enamel-{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": HOST,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_MNESIA_BASE": str(place / "data"),
            "RABBITMQ_LOG_BASE": str(place / "logs"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_PID_FILE": str(place / "own.pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(place / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(place / "broker"),
            "RABBITMQ_CONF_ENV_FILE": str(place / "none"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none",
            "ERL_EPMD_PORT": str(self._kept_port("mapper")),
            "ERL_EPMD_ADDRESS": HOST,
        }

    def prepare(self) -> None:
        """Write its configuration and start its port mapper: one that it started itself would outlive it."""
        (self.directory / "plugins").write_text("[].\n")
        (self.directory / "broker.conf").write_text(
            "loopback_users = none\ndisk_free_limit.absolute = 50MB\n"
        )
        if self.pid("mapper") is None:
            mapper = str(self._kept_port("mapper"))
            self._spawn("mapper", [self.need("epmd"), "-port", mapper, "-address", HOST])

    def command(self) -> list[str]:
        """Return what runs the broker in the foreground."""
        server = max(self._servers(), default=None) or self.need("rabbitmq-server")
        return [server]

    def ready(self) -> bool:
        """Tell whether the broker takes clients."""
        if not self.answers():
            return False
        try:
            with kombu.Connection(self.url, connect_timeout=2) as connection:
                connection.connect()
        except (OSError, kombu.exceptions.OperationalError):
            return False
        return True

    def stop(self) -> None:
        """Have the broker and its port mapper end."""
        super().stop()
        self._end("mapper", signal.SIGTERM)

    def _servers(self) -> list[str]:
        return [str(path) for path in Path("/usr/lib/rabbitmq/lib").glob("*/sbin/rabbitmq-server")]
