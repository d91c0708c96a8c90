"""The HTTP face keeps the contracts that the YAML files beside this one tell."""

from pathlib import Path
from typing import Any

import pytest

from tests.contract.http import scenario, service

SCENARIOS = scenario.load(Path(__file__).parent)


@pytest.mark.parametrize(
    "told", [told for _, told in SCENARIOS], ids=[f"{file}: {told['scenario']}" for file, told in SCENARIOS]
)
def test_contract(whole: service.Whole, told: dict[str, Any], request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue("administration") if told.get("as") == "admin" else whole.url
    scenario.play(url, told)
