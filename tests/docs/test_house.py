"""The rules of the house that no linter knows: what may stand in a file, and what must."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Spelled in pieces, so that this file passes its own test.
REGISTRIES = re.compile("py" + r"pi\.org|python" + r"hosted|reg" + r"istry\.npmjs|crates" + r"\.io")
MACHINE_PATHS = re.compile(r"(?<![\w.~-])/(?:work|home/\w+|root|tmp/open" + r"stack-lab)/")
UNTEXT = {".png", ".ico", ".svg", ".gz"}


def tracked() -> list[Path]:
    """Return the files of the project, committed or about to be; what git ignores is nobody's work."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        output = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        paths = [ROOT / line for line in output.splitlines()]
    except (OSError, subprocess.CalledProcessError):  # an unpacked archive has no history to ask
        places = [".ci", "benchmarks", "changes", "docs", "requirements", "src", "tests", "tools"]
        paths = [path for place in places for path in (ROOT / place).rglob("*")] + list(ROOT.glob("*.*"))
    return sorted(path for path in paths if path.is_file() and "__pycache__" not in path.parts)


def texts() -> Iterator[tuple[str, str]]:
    for path in tracked():
        if path.suffix not in UNTEXT:
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")


def modules() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".py" and path.parts[-3:-1] != ("store", "versions")]


@pytest.mark.parametrize("pattern", [REGISTRIES, MACHINE_PATHS], ids=["registry", "machine path"])
def test_no_file_names_a(pattern: re.Pattern[str]) -> None:
    named = [f"{name}: {match.group()}" for name, text in texts() if (match := pattern.search(text))]
    assert named == []


@pytest.mark.parametrize("lock", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda path: path.name)
def test_lock_pins_public_packages_by_hash(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert re.findall(r"https?:|file:|^\s*-(?!-hash)", text, re.MULTILINE) == []
    pins = text.replace("\\\n", " ").splitlines()
    assert [pin for pin in pins if not re.match(r"[a-z0-9-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", pin)] == []


def test_every_lock_pins_the_same() -> None:
    """What is developed with is what is built and run: two locks have the same versions of a package."""
    pins: dict[str, set[frozenset[str]]] = {}
    for lock in (ROOT / "requirements").glob("*.txt"):
        found = re.findall(r"(?m)^([\w.-]+)==(\S+)", lock.read_text())
        for name in {name for name, _ in found}:
            versions = frozenset(version for other, version in found if other == name)
            pins.setdefault(name, set()).add(versions)
    assert pins["hatchling"] and {name: found for name, found in pins.items() if len(found) > 1} == {}


def test_no_lock_of_another_kind() -> None:
    assert [
        name for name, _ in texts() if Path(name).name in {"uv.lock", "poetry.lock", "Pipfile.lock"}
    ] == []


@pytest.mark.parametrize("folder", ["src", "tools", "benchmarks"])
def test_every_module_says_what_it_is_for(folder: str) -> None:
    inside = [path for path in modules() if path.is_relative_to(ROOT / folder) and path.stat().st_size]
    assert [str(path) for path in inside if not ast.get_docstring(ast.parse(path.read_text()))] == []


def test_modules_stay_small() -> None:
    """A module of more than 500 lines holds two nouns; most stay below 250."""
    inside = [path for path in modules() if path.is_relative_to(ROOT / "src")]
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in inside}
    assert {name: lines for name, lines in lengths.items() if lines > 500} == {}


def test_nothing_is_left_for_later() -> None:
    later = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X"]) + r")\b")
    assert [name for name, text in texts() if later.search(text)] == []
