"""nginx for the tests, set up as the example under deploy/ says."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from tests.integration.services.daemon import HOST, Daemon

EXAMPLE = Path(__file__).resolve().parents[2] / "deploy" / "nginx" / "enamel.conf"


class Nginx(Daemon):
    """A proxy before some API processes."""

    name = "nginx"
    programs = ("nginx",)
    places = ("/usr/sbin",)
    packages = ("nginx",)

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

    def ready(self) -> bool:
        """Tell whether it listens."""
        return self.answers()
