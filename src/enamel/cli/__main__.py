"""Makes `python -m enamel.cli` the command line as well."""

from enamel.cli import main

main()
