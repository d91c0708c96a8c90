"""The command line as a user has it, with a whole service behind it."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from msgspec import Struct

from enamel.cli import program
from tests.contract.http import service


class Said(Struct, frozen=True):
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


Type = Callable[..., Said]


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[service.Whole]:
    with service.running(tmp_path_factory.mktemp("enamel")) as found:
        yield found


@pytest.fixture
def bare(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Type:
    """Carries out command lines with no service in sight."""
    monkeypatch.delenv("ENAMEL_URL", raising=False)

    def carry_out(*arguments: str) -> Said:
        capsys.readouterr()
        code = program.run(arguments)
        told = capsys.readouterr()
        return Said(code, told.out, told.err)

    return carry_out


@pytest.fixture
def enamel(bare: Type, whole: service.Whole, monkeypatch: pytest.MonkeyPatch) -> Type:
    """Carries out command lines against the service."""
    monkeypatch.setenv("ENAMEL_URL", whole.url)
    return bare
