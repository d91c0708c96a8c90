"""Report the coverage that `make test` measured, and hold each floor to its minimum.

`python -m tools.coverage` reads the `.coverage` of the last run.
"""

import io
import sys
from pathlib import Path

import coverage

ROOT = Path(__file__).resolve().parents[1]

MINIMUM = {"commands": 95, "flow": 95, "store": 91}
"""The percentage of lines and branches that tests reach at least, by floor; a little below what was measured."""


def measure(floor: str, *, report: coverage.Coverage) -> float:
    """Return the percentage of a floor that the tests reached, rounded down to a tenth."""
    total = report.report(include=[f"src/enamel/{floor}/*"], file=io.StringIO())
    return int(total * 10) / 10


def main() -> None:
    """Print one line for each floor, and fail when one of them is below its minimum."""
    report = coverage.Coverage(data_file=ROOT / ".coverage")
    report.load()
    reached = {floor: measure(floor, report=report) for floor in MINIMUM}
    for floor, percentage in reached.items():
        print(f"coverage of {floor:8} {percentage:5.1f} % (minimum {MINIMUM[floor]} %)")
    below = [floor for floor, percentage in reached.items() if percentage < MINIMUM[floor]]
    if below:
        sys.exit(f"Coverage is below its minimum in {', '.join(below)}: see .venv/bin/coverage report -m")


if __name__ == "__main__":
    main()
