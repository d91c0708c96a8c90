"""The databases that the store's tests run on: SQLite always, servers where the environment names them."""

import os

import pytest

SERVERS = {
    "postgresql": "ENAMEL_TEST_POSTGRESQL",
    "pgbouncer": "ENAMEL_TEST_PGBOUNCER",
    "mariadb": "ENAMEL_TEST_MARIADB",
}
"""The variable that holds the URL of an empty database which the tests may clear."""


def url(name: str) -> str:
    return os.environ[SERVERS[name]]


def is_pooled(url: str) -> bool:
    """Tell whether connections are shared by a pooler, which keeps what a test has set for its session."""
    return url == os.environ.get(SERVERS["pgbouncer"])


PARAMETERS = [
    "sqlite",
    *(
        pytest.param(
            name,
            marks=(
                pytest.mark.integration,
                pytest.mark.skipif(
                    not os.environ.get(variable), reason=f"{variable} names no database of {name} to test on"
                ),
            ),
        )
        for name, variable in SERVERS.items()
    ),
]
