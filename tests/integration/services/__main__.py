"""Start and stop the services from a shell: `start DIRECTORY [NAME…]` prints shell lines, `stop DIRECTORY` none."""

import os
import shlex
import sys
from pathlib import Path

from tests.integration.services import SERVICES, VARIABLES, debian


def start(directory: Path, names: list[str]) -> None:
    """Start services that the environment does not name yet, and print what makes them known."""
    for name in names:
        variable = VARIABLES[name]
        if os.environ.get(variable):
            print(f"echo {shlex.quote(f'Testing on the {name} that {variable} names.')}")
            continue
        try:
            service = SERVICES[name](directory).start()
        except debian.Unavailable as why:
            print(f"skip {name} {shlex.quote(f'{str(why)[:1].upper()}{str(why)[1:]}.')}")
        else:
            print(f"export {variable}={shlex.quote(service.url)}")


def stop(directory: Path, names: list[str]) -> None:
    """Stop the services that were started in a directory."""
    for name in names:
        if (directory / name).exists():
            SERVICES[name](directory).stop()


def main() -> None:
    """Do what the words say."""
    what, directory, *names = sys.argv[1:]
    {"start": start, "stop": stop}[what](Path(directory), names or list(SERVICES))


if __name__ == "__main__":
    main()
