"""A release can be made: its notes come out of the fragments, its version is set in one place."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import enamel
from tools import coverage, release

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]


def fragments() -> list[Path]:
    return [path for path in sorted((ROOT / "changes").glob("*.md")) if path.name != "README.md"]


def test_notes_hold_every_fragment_under_the_heading_of_its_kind() -> None:
    command = [sys.executable, "-m", "towncrier", "build", "--draft", "--version", "9.9.9"]
    notes = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "## 9.9.9 (" in notes
    headings = {kind["directory"]: f"### {kind['name']}" for kind in SETTINGS["towncrier"]["type"]}
    parts = dict.fromkeys(headings.values(), "")
    heading = ""
    for line in notes.splitlines():
        heading = line if line in parts else heading
        if heading:
            parts[heading] += " ".join(line.split()) + " "
    missing = [
        path.name
        for path in fragments()
        if " ".join(path.read_text(encoding="utf-8").split()) not in parts[headings[path.name.split(".")[-2]]]
    ]
    assert missing == []


def test_every_kind_of_fragment_is_described() -> None:
    readme = (ROOT / "changes" / "README.md").read_text(encoding="utf-8")
    assert [
        kind["directory"] for kind in SETTINGS["towncrier"]["type"] if f"`{kind['directory']}`" not in readme
    ] == []


def test_version_is_set_in_its_one_place() -> None:
    text = release.VERSION_FILE.read_text(encoding="utf-8")
    after = release.with_version(text, version="99.0.0rc1")
    assert after == text.replace(f'"{enamel.__version__}"', '"99.0.0rc1"')


@pytest.mark.parametrize("version", ["", "next", "1.0", "v1.0.0", enamel.__version__])
def test_a_release_needs_a_new_version(version: str) -> None:
    text = release.VERSION_FILE.read_text(encoding="utf-8")
    with pytest.raises(release.Refused):
        release.with_version(text, version=version)


def test_every_measured_floor_has_a_minimum() -> None:
    makefile = (coverage.ROOT / "Makefile").read_text(encoding="utf-8")
    [sources] = re.findall(r"^MEASURED := (.*)$", makefile, flags=re.MULTILINE)
    assert sorted(sources.split(",")) == sorted(f"src/enamel/{floor}" for floor in coverage.MINIMUM)
