"""The tour of the whole API leads everywhere: a route or an action that is new has to become a stop of it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import real_cloud

ROOT = Path(__file__).parents[3]
ENTRY = os.environ.get("ENAMEL_TEST_CLOUD", "")


def walk(*arguments: str) -> str:
    """Return what the tour prints, which has to end well."""
    command = [sys.executable, "-m", "tools.tour", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.integration
@pytest.mark.timeout(240)
def test_it_leads_everywhere_on_the_built_in_cloud() -> None:
    assert "0 of them not as they should be" in walk()


@pytest.mark.lab
@pytest.mark.timeout(600)
def test_it_leads_everywhere_on_a_real_cloud(capsys: pytest.CaptureFixture[str]) -> None:
    if not ENTRY:
        pytest.skip(real_cloud.NEEDED)
    told = walk("--cloud", ENTRY)
    with capsys.disabled():
        print(told)
