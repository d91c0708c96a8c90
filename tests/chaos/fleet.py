"""A fleet to be treated badly: two API processes and three workers, each with wires of its own to everything it uses.

Whoever dies is started again, as systemd does.
"""

import json
import signal
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
import yaml

from enamel.sandbox import era
from tests import free_port
from tests.chaos.fleet_process import Process
from tests.chaos.fleet_wire import Wire, Wires
from tests.integration import fleet
from tests.integration.services.daemon import Daemon

APIS = ("api-1", "api-2")
WORKERS: Mapping[str, tuple[str, ...]] = {
    "boot": ("--types", "server.create"),
    "any-1": (),
    "any-2": (),
}
"""The workers, and what their command lines say."""
_OVERRIDES = {
    "compute": "compute_endpoint_override",
    "network": "network_endpoint_override",
    "image": "image_endpoint_override",
    "block-storage": "block_storage_endpoint_override",
}


class Member:
    """One place in the fleet: a process, the next one after it, and the wires that they use."""

    def __init__(self, name: str, *, wires: Mapping[str, Wire], port: int) -> None:
        self.name = name
        self.port = port
        self.store, self.broker, self.cloud = (wires[one] for one in ("store", "broker", "cloud"))
        self.process: Process | None = None
        self.starts = 0

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process."""
        if self.process is not None:
            self.process.send(number)

    def kill(self) -> None:
        """Kill the process as `kill -9` does, and wait until it is gone."""
        if self.process is not None:
            self.process.kill()


class Fleet(fleet.Fleet):
    """Two API processes and three workers on one database and one broker."""

    def __init__(self, place: Path, *, database: str, broker: str, settings: str = "") -> None:
        super().__init__(place, database, settings=settings)
        self.members: dict[str, Member] = {}
        self.sandbox = ""
        self._broker = broker
        self._settings = settings
        self._wires = Wires()

    def build(self) -> None:
        """Start the cloud, prepare the database and start everybody."""
        self.sandbox = self.cloud()
        done = self.run("db", "upgrade")
        assert done.returncode == 0, done.stderr
        for name in (*APIS, *WORKERS):
            self.members[name] = self._member(name)
            self.start(name)
        for name, member in self.members.items():
            assert member.process is not None
            member.process.await_word(r'"event": "%s"' % ("api.up" if name in APIS else "worker.started"))

    def start(self, name: str) -> None:
        """Start a process; do not wait for it to be there."""
        member = self.members[name]
        member.starts += 1
        role = ("api", "--port", str(member.port)) if name in APIS else ("worker", *WORKERS[name])
        member.process = Process(
            [*role, "--config-file", str(self.place / f"{name}.conf")],
            log=self.place / f"{name}-{member.starts}.log",
            environ={**self.environ, "OS_CLIENT_CONFIG_FILE": str(self.place / f"{name}.yaml")},
        )

    def url(self, name: str) -> str:
        """Return where an API process answers."""
        return f"http://127.0.0.1:{self.members[name].port}"

    def revive(self) -> None:
        """Start everybody again who has died."""
        for name, member in self.members.items():
            if member.process is None or not member.process.alive:
                self.start(name)

    def misbehave(self, rules: Sequence[Mapping[str, Any]]) -> None:
        """Let the cloud have faults."""
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(
            f"{self.sandbox}/sandbox/faults", json.dumps(rules).encode(), headers
        )
        urllib.request.urlopen(request).close()

    def close(self) -> None:
        """End every process, and take the wires down."""
        for member in self.members.values():
            if member.process is not None:
                member.process.end()
        super().close()
        self._wires.close()

    def lines(self, name: str = "*") -> Iterator[dict[str, Any]]:
        """Yield what processes have logged, each line with the `process` that it is of."""
        for log in sorted(self.place.glob(f"{name}-*.log")):
            member = log.name.rpartition("-")[0]
            if member in self.members:
                for line in log.read_text().splitlines():
                    try:
                        said = json.loads(line)
                    except (
                        ValueError
                    ):  # what a process was writing when it was killed, or a fault before it logs
                        said = {"event": line}
                    yield {**said, "process": member}

    def _member(self, name: str) -> Member:
        """Lay the wires of a process, and write down for it where everything is."""
        store, broker = sa.make_url(self.store), urlsplit(self._broker)
        assert store.port and broker.port
        wires = {
            "store": self._wires.lay(to=store.port),
            "broker": self._wires.lay(to=broker.port),
            "cloud": self._wires.lay(to=urlsplit(self.sandbox).port or 0, listen_in=True),
        }
        url = store.set(port=wires["store"].port).render_as_string(hide_password=False)
        hosts = self._broker.replace(f":{broker.port}", f":{wires['broker'].port}")
        (self.place / f"{name}.conf").write_text(
            f"[DEFAULT]\ndata = {self.place}\n[store]\nurl = {url}\n[clouds]\ndefault = sandbox\n"
            f"[dispatch]\nurl = {hosts}\n[health]\nport = 0\n{self._settings}"
        )
        clouds = yaml.safe_load((self.place / "clouds.yaml").read_text())
        here = f"http://127.0.0.1:{wires['cloud'].port}"
        paths = {kind: path for kind, _, path in era.TODAY.catalogue}
        for entry in clouds["clouds"].values():
            entry["auth"]["auth_url"] = entry["auth"]["auth_url"].replace(self.sandbox, here)
            entry |= {word: here + paths[kind] for kind, word in _OVERRIDES.items()}
        (self.place / f"{name}.yaml").write_text(yaml.safe_dump(clouds))
        return Member(name, wires=wires, port=free_port.on_loopback())


@contextmanager
def running(place: Path, *, database: Daemon, broker: Daemon, settings: str = "") -> Iterator[Fleet]:
    """Have a fleet on an empty database of its own, until the block ends."""
    found = Fleet(place, database=database.url, broker=broker.url, settings=settings)
    try:
        found.build()
        yield found
    finally:
        found.close()


def moment(line: Mapping[str, Any]) -> float:
    """Return when a line was logged."""
    return datetime.fromisoformat(line["timestamp"]).timestamp()
