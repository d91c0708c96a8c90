"""nginx for the tests, set up as the example under deploy/ says."""

import os
import re

from tests.integration.proxy import EXAMPLES, Proxy
from tests.integration.services.daemon import HOST

EXAMPLE = EXAMPLES / "nginx" / "enamel.conf"


class Nginx(Proxy):
    """A proxy before some API processes."""

    name = "nginx"
    programs = ("nginx",)
    packages = ("nginx",)

    def prepare(self) -> None:
        """Write the example, with other ports and without certificates."""
        example = EXAMPLE.read_text()
        ports = iter(self._behind)
        example = re.sub(r"127\.0\.0\.1:\d+", lambda _: f"{HOST}:{next(ports)}", example)
        example = re.sub(r"^\s*ssl_.*$", "", example, flags=re.MULTILINE)
        example = example.replace("listen 443 ssl", f"listen {HOST}:{self.port}")
        (self.directory / "enamel.conf").write_text(example)
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = "\n".join(f"{kind}_temp_path {self.directory}/{kind};" for kind in kinds)
        (self.directory / "nginx.conf").write_text(
            f"""
            {"user root;" if os.geteuid() == 0 else ""}
            worker_processes 2;
            pid {self.directory}/nginx.own.pid;
            error_log {self.directory}/log warn;
            events {{ worker_connections 1024; }}
            http {{
                access_log {self.directory}/access.log;
                {temporary}
                include {self.directory}/enamel.conf;
            }}
            """
        )

    def command(self) -> list[str]:
        """Return what runs the server in the foreground."""
        return [
            *(self.need("nginx"), "-p", str(self.directory), "-c", str(self.directory / "nginx.conf")),
            *("-e", str(self.directory / "log"), "-g", "daemon off;"),
        ]
