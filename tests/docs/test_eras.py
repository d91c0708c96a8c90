"""The page on old clouds says what launches really cost there."""

import pytest

from enamel.sandbox import era
from tools import eras


def row(name: str) -> list[str]:
    """Return the cells of the last row that begins with a word."""
    lines = [
        line for line in eras.PAGE.read_text(encoding="utf-8").splitlines() if line.startswith(f"| {name} |")
    ]
    return [cell.strip() for cell in lines[-1].split("|")[2:-1]]


@pytest.mark.parametrize("name", ["2012", "2026"])
async def test_the_calls_are_those_of_a_real_launch(name: str) -> None:
    place = list(era.ERAS).index(name)
    calls = {service: str(count or "–") for service, count in (await eras.cost(name)).items()}
    assert {service: row(service)[place] for service in eras.SERVICES} == calls, "run `make docs`"


def test_every_era_has_its_column() -> None:
    assert row("feature") == [f"{year.name} ({year.release})" for year in era.ERAS.values()]
