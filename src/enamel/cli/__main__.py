"""Lets `python -m enamel.cli` be the command line, too."""

from enamel.cli import main

main()
