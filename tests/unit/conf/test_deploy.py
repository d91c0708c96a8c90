"""The examples under deploy/ fit the code: its settings, its commands, its routes."""

import re
import shlex
import shutil
import subprocess
from configparser import RawConfigParser
from pathlib import Path

import click
import pytest

from enamel.api import stream
from enamel.api.routes import ROUTES
from enamel.cli import program
from enamel.cli.failure import Exit
from enamel.conf import settings
from enamel.model import duration
from enamel.service.tasks.follow import LONGEST_WAIT
from enamel.service.validation import body

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
NGINX = (DEPLOY / "nginx" / "enamel.conf").read_text()
HAPROXY = (DEPLOY / "haproxy" / "haproxy.cfg").read_text()


def test_the_configuration_is_one() -> None:
    loaded = settings.service({}, files=[DEPLOY / "enamel.conf"])
    assert not loaded.alone and loaded.dispatch.url and loaded.clouds.default == "mycloud"


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_units_start_existing_commands_and_give_them_time_to_stop(unit: Path) -> None:
    lines = RawConfigParser(strict=False)
    lines.optionxform = str  # type: ignore[assignment,method-assign]  # systemd's names have capitals
    lines.read(unit)
    service = lines["Service"]
    _, name, *words = shlex.split(service["ExecStart"])
    command = program.program.get_command(click.Context(program.program), name)
    assert command is not None
    command.make_context(name, words)
    grace = settings.service({})
    assert duration.parse(service["TimeoutStopSec"]) > max(
        grace.api.graceful_shutdown_timeout, grace.worker.graceful_shutdown_timeout
    )
    assert service["RestartPreventExitStatus"] == str(int(Exit.USAGE))
    assert service["ExecReload"] == "/bin/kill -HUP $MAINPID"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize("name", ["enamel-api@8781.service", "enamel-worker@boot.service"])
def test_systemd_understands_the_units(tmp_path: Path, name: str) -> None:
    for unit in (DEPLOY / "systemd").iterdir():
        instance = name.partition("@")[2].partition(".")[0]
        text = unit.read_text().replace("/opt/enamel/bin/enamel", "/bin/true")
        (tmp_path / unit.name.replace("@.", f"@{instance}.")).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / name], capture_output=True, text=True
    )
    # It also reports on other units of the machine.
    assert "enamel" not in done.stderr, done.stderr


@pytest.mark.parametrize(
    "expression",
    [
        re.findall(r"location ~ (\S+) {", NGINX)[0],
        re.findall(r"path_reg (\S+) }", HAPROXY)[0],
    ],
    ids=["nginx", "haproxy"],
)
def test_every_live_stream_is_passed_on_as_it_comes(expression: str) -> None:
    for route in ROUTES:
        path = re.sub(r"{\w+}", "0198c1d2-aaaa-7bbb-8ccc-000000000000", route.path)
        assert bool(re.search(expression, path)) == (stream.MEDIA_TYPE in route.media_types), route.path


def test_the_proxies_let_long_polls_and_large_bodies_through() -> None:
    assert f"client_max_body_size {body.LARGEST // 1024 // 1024}m;" in NGINX
    longest = LONGEST_WAIT.total_seconds()
    assert {int(seconds) for seconds in re.findall(r"proxy_read_timeout (\d+)s;", NGINX)} == {
        90
    } and longest < 90
    assert re.findall(r"timeout server (\d+)s", HAPROXY) == ["90"]


def test_every_example_is_listed() -> None:
    readme = (DEPLOY / "README.md").read_text()
    files = [path.relative_to(DEPLOY).as_posix() for path in DEPLOY.rglob("*") if path.is_file()]
    assert [name for name in files if name != "README.md" and f"({name})" not in readme] == []
