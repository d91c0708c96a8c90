"""PostgreSQL with a pgbouncer before it, MariaDB, RabbitMQ, memcached and Redis for the tests: own processes with own data on free loopback ports.

From a shell, for everything that reads the variables: `eval "$(python -m tests.integration.services start DIRECTORY)"`
and `python -m tests.integration.services stop DIRECTORY`. From a test that stops and starts them as it likes:
`with postgresql.PostgreSQL(directory).running() as database: … database.url`.
"""

from collections.abc import Callable
from pathlib import Path

from tests.integration.services.daemon import Daemon
from tests.integration.services.mariadb import MariaDB
from tests.integration.services.memcached import Memcached
from tests.integration.services.pgbouncer import PgBouncer
from tests.integration.services.postgresql import PostgreSQL
from tests.integration.services.rabbitmq import RabbitMQ
from tests.integration.services.redis import Redis

SERVICES: dict[str, Callable[[Path], Daemon]] = {
    "postgresql": PostgreSQL,
    "pgbouncer": PgBouncer,
    "mariadb": MariaDB,
    "rabbitmq": RabbitMQ,
    "memcached": Memcached,
    "redis": Redis,
}
VARIABLES = {
    "postgresql": "ENAMEL_TEST_POSTGRESQL",
    "pgbouncer": "ENAMEL_TEST_PGBOUNCER",
    "mariadb": "ENAMEL_TEST_MARIADB",
    "rabbitmq": "ENAMEL_TEST_RABBITMQ",
    "memcached": "ENAMEL_TEST_MEMCACHED",
    "redis": "ENAMEL_TEST_REDIS",
}
"""What holds the URL of each, for the tests."""
