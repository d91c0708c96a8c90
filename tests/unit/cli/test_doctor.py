"""`enamel doctor`, and what a service says of clouds that cannot be used."""

import json
import re
import signal
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contract.http import service


def entry(whole: service.Whole) -> dict[str, Any]:
    known: dict[str, Any] = yaml.safe_load((whole.place / "sandbox-clouds.yaml").read_text())
    sandbox: dict[str, Any] = known["clouds"]["sandbox"]
    return sandbox


def written(directory: Path, **clouds: dict[str, Any] | None) -> dict[str, str]:
    file = directory / "clouds.yaml"
    file.write_text(yaml.safe_dump({"clouds": clouds}))
    return {
        "OS_CLIENT_CONFIG_FILE": str(file),
        "HOME": str(directory),
        "ENAMEL_DATA": str(directory / "data"),
    }


def broken(known: dict[str, Any]) -> dict[str, dict[str, Any] | None]:
    """Return entries that cannot be used, each for another reason."""
    wrong = {**known, "auth": {**known["auth"], "password": "guessed"}}
    away = {**known, "auth": {**known["auth"], "auth_url": "http://127.0.0.1:9/v3"}}
    return {
        "wrong": wrong,
        "away": away,
        "elsewhere": {**known, "region_name": "Nowhere"},
        "lacking": {**known, "auth": {"auth_url": known["auth"]["auth_url"]}},
        "empty": None,
        "untrusted": {**known, "cacert": "/nowhere/ca.pem"},
    }


def run(*words: str, **environ: str) -> tuple[int, str, str]:
    with service.start(*words, **environ) as process:
        out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def got(url: str) -> dict[str, Any]:
    """Return what is answered, whatever its status: a worker without a lease yet answers 503."""
    try:
        with urllib.request.urlopen(url) as reply:
            answer: dict[str, Any] = json.load(reply)
    except urllib.error.HTTPError as refusal:
        answer = json.load(refusal)
    return answer


def test_a_cloud_that_works(whole: service.Whole, tmp_path: Path) -> None:
    environ = written(tmp_path, north=entry(whole))
    code, out, err = run("doctor", "--json", **environ)
    assert (code, err) == (0, "")
    (examined,) = json.loads(out)["clouds"]
    assert (examined["cloud"], examined["region"]) == ("north", "RegionOne")
    assert [check["name"] for check in examined["checks"]] == [
        "login",
        "compute",
        "image",
        "network",
        "volume",
    ]
    assert all(check["problem"] is None and check["note"] for check in examined["checks"])


def test_what_is_wrong_is_said_of_each(whole: service.Whole, tmp_path: Path) -> None:
    environ = written(tmp_path, north=entry(whole), **broken(entry(whole)))
    code, out, err = run("doctor", **environ)
    rows = {tuple(line.split()[:4:3]) for line in out.splitlines()}
    assert {("north", "ok"), ("wrong", "FAILED"), ("empty", "FAILED")} <= rows
    assert code == 1 and "Traceback" not in err and "guessed" not in out + err
    for name, part in {
        "wrong, login": "Check the user, password",
        "away, login": "does not answer",
        "elsewhere, login": "no region 'Nowhere'",
        "lacking, entry": "clouds.yaml",
        "empty, entry": "clouds.yaml",
        "untrusted, entry": "/nowhere/ca.pem",
    }.items():
        assert re.search(rf"^{name}: .*?{re.escape(part)}|^{name}: .*\n  .*{re.escape(part)}", err, re.M), err


def test_no_cloud_at_all(tmp_path: Path) -> None:
    code, _, err = run("doctor", HOME=str(tmp_path), ENAMEL_DATA=str(tmp_path / "data"))
    assert code == 1 and "No cloud is configured." in err


def test_the_health_says_which_clouds_cannot_be_used(whole: service.Whole, tmp_path: Path) -> None:
    environ = written(tmp_path, north=entry(whole), **broken(entry(whole))) | {"OS_CLOUD": "north"}
    with service.start("up", "--port", "0", "--data", str(tmp_path / "data"), **environ) as up:
        try:
            assert up.stdout is not None
            url = re.search(r"http://127\.0\.0\.1:\d+", up.stdout.readline())[0]  # type: ignore[index]
            deadline = time.monotonic() + 60
            while True:
                health = got(f"{url}/healthcheck")
                detail = next(check for check in health["checks"] if check["name"] == "clouds")["detail"]
                if (
                    health["status"] == "DEGRADED" and "6 of 7 clouds cannot be used" in detail
                ) or time.monotonic() > deadline:
                    break
                time.sleep(0.1)
            clouds = {cloud["name"]: cloud["unusable"] for cloud in got(f"{url}/clouds")["clouds"]}
        finally:
            up.send_signal(signal.SIGTERM)
            _, log = up.communicate()
    assert health["status"] == "DEGRADED"
    assert re.search(r"'wrong' since 20\d\d-", detail) and "guessed" not in detail + log
    assert clouds["north"] is None
    assert clouds["wrong"]["problem"]["code"] == "enamel.cloud.unauthorized"
    assert "cloud.unusable" in log and "no region 'Nowhere'" in log


@pytest.mark.parametrize("names", [("north", "south")])
def test_a_list_does_not_wait_for_what_is_silent(
    whole: service.Whole, tmp_path: Path, names: tuple[str, str]
) -> None:
    good, lost = names
    silent = {**entry(whole), "auth": {**entry(whole)["auth"], "auth_url": "http://10.255.255.1:5000/v3"}}
    environ = written(tmp_path, **{good: entry(whole), lost: silent}) | {"OS_CLOUD": good}
    with service.start("up", "--port", "0", "--data", str(tmp_path / "data"), **environ) as up:
        try:
            assert up.stdout is not None
            url = re.search(r"http://127\.0\.0\.1:\d+", up.stdout.readline())[0]  # type: ignore[index]
            body = got(f"{url}/servers")
        finally:
            up.send_signal(signal.SIGTERM)
            up.communicate()
    assert [problem["cloud"] for problem in body["silent"]] == [lost]
