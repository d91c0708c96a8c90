"""The command line as users have it, with a whole service behind it."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from msgspec import Struct

from enamel.cli import program
from tests.contract.http import service


class Said(Struct, frozen=True):
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


Type = Callable[..., Said]


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[service.Whole]:
    with service.running(tmp_path_factory.mktemp("enamel")) as whole:
        yield whole


@pytest.fixture
def bare(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Type:
    """Runs command lines without a service."""
    monkeypatch.delenv("ENAMEL_URL", raising=False)

    def run(*arguments: str) -> Said:
        capsys.readouterr()
        code = program.run(arguments)
        output = capsys.readouterr()
        return Said(code, output.out, output.err)

    return run


@pytest.fixture
def enamel(bare: Type, whole: service.Whole, monkeypatch: pytest.MonkeyPatch) -> Type:
    """Runs command lines against the service."""
    monkeypatch.setenv("ENAMEL_URL", whole.url)
    return bare
