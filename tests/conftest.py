"""What holds for every test."""

from collections.abc import Iterator

import pytest

from enamel.model import redaction


@pytest.fixture(autouse=True)
def _own_secrets() -> Iterator[None]:
    """Forget after each test which secrets it has kept: they would be blanked in the texts of the next one."""
    with redaction.keeping(redaction.Redactor(())):
        yield
