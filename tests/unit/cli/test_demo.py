"""The demonstration works."""

import subprocess
import sys


def test_the_demo_succeeds() -> None:
    demo = subprocess.run(
        [sys.executable, "-m", "enamel.cli.demo"], capture_output=True, text=True, timeout=100
    )
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert demo.stdout.count("SSH-2.0") == 3
    assert "API calls" in demo.stdout
    assert "The cloud is as before" in demo.stdout
    assert "Traceback" not in demo.stderr
