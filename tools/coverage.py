"""Report the coverage that `make test` measured, and hold each floor to its minimum.

`python -m tools.coverage` reads `build/coverage.json` of the last run; `--missing` lists the lines that no test reached.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

ROOT = Path(__file__).resolve().parents[1]
MEASURED = ROOT / "build" / "coverage.json"

MINIMUM = {"commands": 96, "flow": 96, "store": 93}
"""The percentage of lines that tests reach at least, by floor; a little below what was measured."""


class File(Struct, frozen=True):
    """What was measured of one file."""

    executed_lines: list[int]
    missing_lines: list[int]


class Report(Struct, frozen=True):
    """What was measured, by the paths of the files."""

    files: dict[str, File]


def of_floor(floor: str, report: Report) -> Mapping[str, File]:
    """Return the files of a floor, but for the migrations: Alembic loads these by itself, past what measures."""
    return {
        path: file
        for path, file in report.files.items()
        if f"src/enamel/{floor}/" in path and "/migrations/versions/" not in path
    }


def percentage(files: Mapping[str, File]) -> float:
    """Return the percentage of lines that the tests reached, rounded down to a tenth."""
    reached = sum(len(file.executed_lines) for file in files.values())
    lines = reached + sum(len(file.missing_lines) for file in files.values())
    return int(1000 * reached / lines) / 10 if lines else 0.0


def main(words: list[str]) -> None:
    """Print one line for each floor, and fail when one of them is below its minimum."""
    report = msgspec.json.decode(MEASURED.read_bytes(), type=Report)
    below = []
    for floor, minimum in MINIMUM.items():
        files = of_floor(floor, report)
        reached = percentage(files)
        print(f"coverage of {floor:8} {reached:5.1f} % (minimum {minimum} %)")
        if reached < minimum:
            below.append(floor)
        if "--missing" in words:
            for path, file in sorted(files.items()):
                if file.missing_lines:
                    print(f"  {path}: {', '.join(map(str, file.missing_lines))}")
    if below:
        sys.exit(
            f"Coverage is below its minimum in {', '.join(below)}: see python -m tools.coverage --missing"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
