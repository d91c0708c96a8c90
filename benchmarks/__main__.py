"""Runs a benchmark: `python -m benchmarks [NAME] [OPTIONS]`, the launch where none is named."""

import importlib
import pkgutil
import sys

import benchmarks


def main() -> None:
    """Run the benchmark that the command line names."""
    names = sorted(
        one.name for one in pkgutil.iter_modules(benchmarks.__path__) if not one.name.startswith("_")
    )
    words = sys.argv[1:]
    name = words.pop(0) if words and not words[0].startswith("-") else "launch"
    if name not in names:
        sys.exit(f"There is no benchmark '{name}'. There are: {', '.join(names)}.")
    importlib.import_module(f"benchmarks.{name}").main(words)


main()
