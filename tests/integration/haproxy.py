"""HAProxy for the tests, set up as the example under deploy/ says."""

import re
from collections.abc import Sequence
from pathlib import Path

from tests.integration.services.daemon import HOST, Daemon

EXAMPLE = Path(__file__).resolve().parents[2] / "deploy" / "haproxy" / "haproxy.cfg"


class HAProxy(Daemon):
    """A proxy before some API processes."""

    name = "haproxy"
    programs = ("haproxy",)
    places = ("/usr/sbin",)
    packages = ("haproxy",)

    def __init__(self, directory: Path, *, behind: Sequence[int]) -> None:
        super().__init__(directory)
        self._behind = behind

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"http://{HOST}:{self.port}"

    def prepare(self) -> None:
        """Write the example, with other ports and without certificates."""
        example = EXAMPLE.read_text()
        for number, port in enumerate(self._behind, start=1):
            example = re.sub(rf"(server api{number}) 127\.0\.0\.1:\d+", rf"\1 {HOST}:{port}", example)
        example = re.sub(r"bind :443 .*", f"bind {HOST}:{self.port}", example)
        (self.directory / "haproxy.cfg").write_text(example)
        self.run(self.need("haproxy"), "-c", "-f", str(self.directory / "haproxy.cfg"))

    def command(self) -> list[str]:
        """Return what runs the server in the foreground."""
        return [self.need("haproxy"), "-db", "-f", str(self.directory / "haproxy.cfg")]

    def ready(self) -> bool:
        """Tell whether it listens."""
        return self.answers()
