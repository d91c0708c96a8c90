"""`enamel up` on a clouds.yaml with several entries."""

import re
import signal
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
