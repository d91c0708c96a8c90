"""The demonstration works."""

import subprocess
import sys


def test_the_demo_shows_what_it_promises() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "enamel.cli.demo"], capture_output=True, text=True, timeout=100
    )
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert shown.stdout.count("SSH-2.0") == 3
    assert "plumbing calls" in shown.stdout
    assert "The cloud has what it had before" in shown.stdout
    assert "Traceback" not in shown.stderr
