"""Runs a benchmark: `python -m benchmarks [NAME] [OPTIONS]`; those of `make bench` in turn where none is named."""

import importlib
import pkgutil
import sys

import benchmarks

EVERY_DAY = ("launch", "read", "herd")
"""Those that need nothing but a sandbox, and a few minutes each."""


def main() -> None:
    """Run the benchmark that the command line names."""
    names = sorted(
        one.name for one in pkgutil.iter_modules(benchmarks.__path__) if not one.name.startswith("_")
    )
    words = sys.argv[1:]
    if words and words[0] not in names:
        sys.exit(f"There is no benchmark '{words[0]}'. There are: {', '.join(names)}.")
    for name in words[:1] or EVERY_DAY:
        importlib.import_module(f"benchmarks.{name}").main(words[1:])


main()
