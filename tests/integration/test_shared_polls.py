"""Processes that share a cache cost a cloud what one of them costs, and go on without it when it is away."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration import fleet
from tests.integration.services import debian
from tests.integration.services.daemon import Daemon
from tests.integration.services.memcached import Memcached
from tests.integration.services.redis import Redis
from tests.integration.test_roles import where
from tests.store import databases

pytestmark = [pytest.mark.timeout(600)]

LISTS = "GET compute /v2.1/servers/detail"
CATALOGUE = ("GET compute /v2.1/flavors/detail", "GET image /v2/images", "GET network /v2.0/networks")
WORKERS = ("one", "two")
LAUNCHES = 16


@pytest.fixture(params=databases.PARAMETERS[1:2])
def database(request: pytest.FixtureRequest) -> str:
    return databases.url(request.param)


@pytest.fixture(params=[Memcached, Redis], ids=lambda kind: kind.name)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Daemon]:
    """A cache of the test's own, which it may kill."""
    try:
        with request.param(tmp_path).running() as started:
            yield started
    except debian.Unavailable as why:
        pytest.skip(str(why))


def ask(there: fleet.Fleet, method: str, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(there.url("api") + path, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=90) as answer:
        return json.load(answer)


class Watched:
    """A fleet with an API process and two workers, each of which takes no more than half of the launches."""

    def __init__(self, there: fleet.Fleet) -> None:
        self.there = there
        started = next(iter(there.place.glob("cloud-*.log"))).read_text()
        self.cloud = started.split(" is up at ")[1].split(";")[0]
        self.set(boot_seconds=[9.0, 10.0])
        there.api("api")
        for name in WORKERS:
            there.worker(name, "--max-tasks", str(LAUNCHES // 2))

    def set(self, **settings: Any) -> None:
        body = json.dumps({**fleet.CLOUD, **settings}).encode()
        request = urllib.request.Request(
            f"{self.cloud}/sandbox/settings", body, {"Content-Type": "application/json"}
        )
        urllib.request.urlopen(request).close()

    def counts(self) -> dict[str, int]:
        """Return how often the cloud was asked what, and begin to count anew."""
        with urllib.request.urlopen(f"{self.cloud}/sandbox/calls") as answer:
            told = json.load(answer)
        urllib.request.urlopen(urllib.request.Request(f"{self.cloud}/sandbox/calls", method="DELETE")).close()
        counts: dict[str, int] = told["counts"]
        return counts

    def launch(self, prefix: str) -> list[str]:
        """Have servers launched, one by each task, and return the tasks."""
        wishes = [
            {"name": f"{prefix}-{number}", "template": "cirros", "type": "m1.tiny"}
            for number in range(LAUNCHES)
        ]
        return [ask(self.there, "POST", "/servers", wish)["id"] for wish in wishes]

    def end(self, tasks: list[str]) -> None:
        for id in tasks:
            task = ask(self.there, "GET", f"/tasks/{id}?wait=60")
            assert task["state"] == "COMPLETED", task

    def health(self, name: str) -> tuple[str, str]:
        """Return how a worker is, and what it says of the cache."""
        told = self.there.get(where(self.there, name), "/healthcheck")
        (cache,) = [check for check in told["checks"] if check["name"] == "cache"]
        return told["status"], f"{cache['status']} {cache['detail']}"

    def looks(self, name: str) -> dict[str, float]:
        """Return how a worker came by its looks."""
        lines = self.there.get(where(self.there, name), "/metrics").splitlines()
        told = [line for line in lines if line.startswith("enamel_looks_total{")]
        return {line.split('"')[1]: float(line.split()[-1]) for line in told}


def cost(place: Path, database: str, *, url: str = "") -> tuple[dict[str, int], list[dict[str, float]]]:
    """Return what 16 launches by two workers cost, the first ones of all of them."""
    place.mkdir()
    settings = f"[cache]\nurl = {url}\n" if url else ""
    with fleet.running(place, database, settings=settings) as there:
        watched = Watched(there)
        watched.counts()
        watched.end(watched.launch("web"))
        return watched.counts(), [watched.looks(name) for name in WORKERS]


def test_two_workers_make_one_list_per_interval_together(
    database: str, server: Daemon, tmp_path: Path
) -> None:
    apart, _ = cost(tmp_path / "apart", database)
    together, looks = cost(tmp_path / "together", database, url=server.url)
    told = {name: (apart.get(name, 0), together.get(name, 0)) for name in (LISTS, *CATALOGUE)}
    print(f"{server.name}: calls apart and together {told}, looks {looks}")
    # Each launch looks once whether its name is free.
    assert together[LISTS] - LAUNCHES <= 0.65 * (apart[LISTS] - LAUNCHES)
    assert all(one.get("taken over", 0) > 0 for one in looks)
    # The API process and both workers need the flavors; one of them asks.
    assert all(together.get(name, 0) <= 1 for name in CATALOGUE)


def test_a_cache_that_dies_is_missed_by_nobody_but_the_operator(
    database: str, server: Daemon, tmp_path: Path
) -> None:
    with fleet.running(tmp_path, database, settings=f"[cache]\nurl = {server.url}\n") as there:
        watched = Watched(there)
        first = watched.launch("before")
        assert watched.health("one") == ("OK", "OK ")
        server.kill()
        second = watched.launch("while")
        overall, cache = watched.health("one")
        assert overall == "DEGRADED" and cache.startswith("DEGRADED The cache is unavailable")
        watched.end([*first, *second])
        log = next(iter(there.place.glob("one-*.log"))).read_text()
        assert log.count('"event": "cache.away"') == 1
        server.start()
        for _ in range(200):
            if watched.health("one")[0] == "OK":
                break
        watched.end(watched.launch("after"))
        assert watched.health("one") == ("OK", "OK ")
        assert '"event": "cache.back"' in next(iter(there.place.glob("one-*.log"))).read_text()


def test_a_cache_that_freezes_holds_nobody_up(database: str, server: Daemon, tmp_path: Path) -> None:
    with fleet.running(tmp_path, database, settings=f"[cache]\nurl = {server.url}\n") as there:
        watched = Watched(there)
        tasks = watched.launch("before")
        server.freeze()
        try:
            watched.end([*tasks, *watched.launch("while")])
        finally:
            server.thaw()


def test_a_setting_that_names_no_cache_is_refused_at_the_start(database: str, tmp_path: Path) -> None:
    there = fleet.Fleet(tmp_path, database, settings="[cache]\nurl = mysql://somewhere\n")
    (tmp_path / "clouds.yaml").write_text("clouds: {sandbox: {auth: {auth_url: 'http://127.0.0.1:9/v3'}}}")
    done = there.run("worker")
    assert done.returncode != 0
    assert "[cache] url is 'mysql…'" in done.stderr and "memcached://host:port" in done.stderr
