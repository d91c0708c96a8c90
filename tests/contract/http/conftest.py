"""A whole service with the built-in cloud behind it, in a thread, for the contracts of the HTTP face."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.http import service


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the fuzzing out where no integration test is wanted: its requests are made while tests are collected."""
    fuzzing = collection_path.name == "test_fuzzing.py"
    return True if fuzzing and "not integration" in config.option.markexpr else None


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[service.Whole]:
    with service.running(tmp_path_factory.mktemp("enamel")) as found:
        yield found


@pytest.fixture(scope="session")
def administration(whole: service.Whole, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service on the same cloud, whose caller has the role admin there."""
    with service.beside(whole, tmp_path_factory.mktemp("administration"), entry="sandbox-admin") as url:
        yield url
