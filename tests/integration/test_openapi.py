"""The long run of what `tests/contract/http/test_fuzzing.py` does in short: random requests, another seed each time."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.contract.http import service

SCHEMATHESIS = Path(__file__).parents[2] / ".venv" / "bin" / "schemathesis"
UNFIT = "positive_data_acceptance,negative_data_rejection"
"""No schema knows the names of a cloud, and a preview accepts what it finds fault with."""


@pytest.mark.integration
@pytest.mark.timeout(400)
def test_no_request_is_answered_otherwise_than_documented(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with service.running(tmp_path) as whole:
        command = [SCHEMATHESIS, "run", f"{whole.url}/openapi.json", "--exclude-checks", UNFIT, "--no-color"]
        command += [
            "--phases",
            "coverage,fuzzing,stateful",
            "--max-examples",
            "15",
            "--request-timeout",
            "90",
        ]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-8000:]
    with capsys.disabled():
        print(re.sub(r"(?s).*=+ SUMMARY =+", "schemathesis", done.stdout))
