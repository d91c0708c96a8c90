"""A whole service with the built-in cloud behind it, in a thread, for the contracts of the HTTP face."""

from collections.abc import Iterator

import pytest

from tests.contract.http import service


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[service.Whole]:
    with service.running(tmp_path_factory.mktemp("enamel")) as found:
        yield found
