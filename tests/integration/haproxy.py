"""HAProxy for the tests, set up as the example under deploy/ says."""

import re

from tests.integration.proxy import EXAMPLES, Proxy
from tests.integration.services.daemon import HOST

EXAMPLE = EXAMPLES / "haproxy" / "haproxy.cfg"


class HAProxy(Proxy):
    """A proxy before some API processes."""

    name = "haproxy"
    programs = ("haproxy",)
    packages = ("haproxy",)

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
