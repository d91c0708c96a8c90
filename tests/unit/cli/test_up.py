"""`enamel up` on a clouds.yaml with several entries."""

import contextlib
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.contract.http import service
from tests.unit.cli.conftest import Type


def entries(whole: service.Whole, directory: Path) -> dict[str, str]:
    """Write a clouds.yaml with two projects of the built-in cloud, and return the environment that names it."""
    entry = yaml.safe_load((whole.place / "sandbox-clouds.yaml").read_text())["clouds"]["sandbox"]
    file = directory / "clouds.yaml"
    file.write_text(yaml.safe_dump({"clouds": {"north": entry, "south": entry}}))
    return {"OS_CLIENT_CONFIG_FILE": str(file), "HOME": str(directory)}


@pytest.mark.parametrize(
    ("options", "environ", "clouds"),
    [
        ((), {}, ["north", "south"]),
        ((), {"OS_CLOUD": "south"}, ["south", "north"]),
        (("--cloud", "south"), {"OS_CLOUD": "north"}, ["south"]),
    ],
    ids=["all", "the default first", "one"],
)
def test_which_clouds_are_offered(
    whole: service.Whole,
    tmp_path: Path,
    bare: Type,
    options: tuple[str, ...],
    environ: dict[str, str],
    clouds: list[str],
) -> None:
    environ = entries(whole, tmp_path) | environ
    with service.start("up", *options, "--port", "0", "--data", str(tmp_path / "data"), **environ) as up:
        try:
            assert up.stdout is not None
            greeting = up.stdout.readline()
            url = re.search(r"http://127\.0\.0\.1:\d+", greeting)[0]
            listed = bare("--url", url, "cloud", "list", "--json")
        finally:
            up.send_signal(signal.SIGTERM)
            rest, _ = up.communicate()
    assert re.findall(r"'(\w+)'", greeting) == clouds
    assert ("(default)" in greeting) == (len(clouds) > 1)
    assert sorted(cloud["name"] for cloud in listed.data["clouds"]) == sorted(clouds)
    assert "Unfinished tasks continue at the next start." in rest


def test_an_unknown_cloud_is_refused_with_those_that_exist(whole: service.Whole, tmp_path: Path) -> None:
    environ = entries(whole, tmp_path)
    with service.start("up", "--cloud", "west", "--data", str(tmp_path / "data"), **environ) as up:
        _, refused = up.communicate(timeout=30)
    assert up.returncode == 1
    assert "west" in refused and "north" in refused and "south" in refused


@contextlib.contextmanager
def up(data: Path, environ: dict[str, str]) -> Iterator[str]:
    """Run a service until the block ends."""
    with service.start("up", "--port", "0", "--data", str(data), **environ) as process:
        try:
            assert process.stdout is not None
            url = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
            assert url is not None
            yield url[0]
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate()


def test_a_default_cloud_that_is_silent_from_the_start(
    whole: service.Whole, tmp_path: Path, bare: Type
) -> None:
    environ = entries(whole, tmp_path) | {"OS_CLOUD": "north"}
    file = tmp_path / "clouds.yaml"
    clouds = yaml.safe_load(file.read_text())["clouds"]
    away = {**clouds["north"], "auth": {**clouds["north"]["auth"], "auth_url": "http://127.0.0.1:9/v3"}}
    file.write_text(yaml.safe_dump({"clouds": {**clouds, "north": away}}))
    launch = ("server", "create", "silent", "--image", "cirros", "--flavor", "m1.tiny")
    with up(tmp_path / "data", environ) as url:
        created = bare("--url", url, *launch, "--placement", "south", "--wait")
        assert created.code == 0, created.err
        refused = bare("--url", url, *launch, "--json")
        [error] = refused.data["errors"]
        assert error["status"] == 503 and "north" in error["detail"]
        assert bare("--url", url, "server", "delete", "silent", "--cloud", "south", "--wait").code == 0
        tasks = bare("--url", url, "task", "list", "--all", "--json").data["tasks"]
    assert [task["type"] for task in tasks] == ["server.terminate", "server.create"]
    file.write_text(yaml.safe_dump({"clouds": {"north": away, "south": away}}))
    with up(tmp_path / "data", environ) as url:
        listed = bare("--url", url, "task", "list", "--all", "--json")
        assert [task["id"] for task in listed.data["tasks"]] == [task["id"] for task in tasks]
        assert bare("--url", url, "task", "show", tasks[0]["id"]).code == 0
