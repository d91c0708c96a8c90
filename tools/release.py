"""Prepare a release: `python -m tools.release 0.2.0`, or `make release VERSION=0.2.0`.

It sets the version, moves the fragments of `changes/` into `CHANGELOG.md` and builds the packages into `dist/`. It
commits, tags and uploads nothing; `docs/development/release.md` lists what is left to do.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VERSION_FILE = ROOT / "src" / "enamel" / "__init__.py"
_VERSION = re.compile(r'^__version__ = "(.*)"$', re.MULTILINE)
_FORM = re.compile(r"\d+\.\d+\.\d+((a|b|rc)\d+)?")


class Refused(Exception):
    """The release cannot be prepared as things are."""


def with_version(text: str, *, version: str) -> str:
    """Return the text of the version's file with a new version, which has to be a version and not the old one."""
    if not _FORM.fullmatch(version):
        raise Refused(
            f"Expected a version like 0.2.0 or 1.0.0rc1, got {version!r}. Run: make release VERSION=0.2.0"
        )
    match = _VERSION.search(text)
    if match is None:
        raise Refused(f'{VERSION_FILE} has no line __version__ = "…".')
    if match[1] == version:
        raise Refused(f"The version is {version} already.")
    return text[: match.start(1)] + version + text[match.end(1) :]


def prepare(version: str) -> None:
    """Set the version, write the changelog and build the packages."""
    text = with_version(VERSION_FILE.read_text(encoding="utf-8"), version=version)
    if _run("git", "status", "--porcelain", "--untracked-files=no"):
        raise Refused("There are changes that are not committed. Commit or drop them first.")
    VERSION_FILE.write_text(text, encoding="utf-8")
    _run(sys.executable, "-m", "towncrier", "build", "--yes", "--version", version)
    _run(sys.executable, "-m", "hatchling", "build")


def _run(*command: str) -> str:
    """Run a program in the project and return its output; refuse to go on when it fails."""
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if result.returncode:
        raise Refused(f"{' '.join(command)} failed:\n{result.stdout}{result.stderr}")
    return result.stdout


def main(arguments: list[str]) -> None:
    """Prepare the release that the command line names."""
    version = arguments[0] if arguments else ""
    try:
        prepare(version)
    except Refused as error:
        sys.exit(str(error))
    print(f"Enamel {version} is in dist/, its notes are in CHANGELOG.md. Review, commit and tag:")
    print(f"  git commit -am 'release: {version}' && git tag -s v{version}")


if __name__ == "__main__":
    main(sys.argv[1:])
