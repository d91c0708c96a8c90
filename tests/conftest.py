"""What holds for every test."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from zlib import crc32

import pytest

from enamel.model import redaction


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Leave all cases but a sample of a test that has many to the integration run.

    `@pytest.mark.sampled(6)` keeps six of them, and always the same six: those whose names have the lowest checksums.
    """
    cases: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if item.get_closest_marker("sampled"):
            cases[item.nodeid.partition("[")[0]].append(item)
    for found in cases.values():
        (size,) = found[0].get_closest_marker("sampled").args  # type: ignore[union-attr]
        for item in sorted(found, key=lambda item: crc32(item.name.encode()))[size:]:
            item.add_marker(pytest.mark.integration)


@pytest.fixture(autouse=True)
def _own_secrets() -> Iterator[None]:
    """Forget after each test which secrets it has kept: they would be blanked in the texts of the next one."""
    with redaction.keeping(redaction.Redactor(())):
        yield
