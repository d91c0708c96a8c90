"""What a service logs at its most talkative, of launches that succeed and that fail, has no secret in it."""

import base64
import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from enamel.sandbox import faults, kernel, serve
from enamel.sandbox.identity import state as identity_state

PASSWORD = "pass-8b1d40f6"
USER_DATA = base64.b64encode(b"#!/bin/sh\necho planted-2290\n").decode()
SENT = {"Authorization": "Bearer planted-5512", "X-Auth-Token": "planted-6623", "Cookie": "planted-9934"}
SIGNS = "whsec_" + base64.b64encode(b"planted-3471-planted-3471").decode()
BROKEN: list[dict[str, Any]] = [
    {"match": {"method": "POST", "service": "compute", "body": "broken"}, "then": {"status": 403}},
    {"match": {"method": "POST", "service": "compute", "body": "lost"}, "then": {"drop": "after"}},
]


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[serve.Sandbox]:
    rules = [msgspec.convert(rule, faults.Rule) for rule in BROKEN]
    with serve.in_thread(kernel.Settings(boot_seconds=(0.05, 0.1), pace=0.1), rules=rules) as found:
        users = found.cloud.identity.users
        for id, user in list(users.items()):
            users[id] = msgspec.structs.replace(user, password=PASSWORD)
        yield found


def send(url: str, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data, {"Content-Type": "application/json", **SENT})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refused:
        with refused:
            return json.load(refused)


def launch(url: str, name: str) -> str:
    """Launch a server with secrets and return how that ended."""
    notify = [{"url": "http://127.0.0.1:9/hook", "secret": SIGNS}]
    body = {"name": name, "template": "cirros", "type": "m1.tiny", "user_data": USER_DATA, "notify": notify}
    task = send(url, "/servers", body)
    if "errors" in task:
        return f"refused: {task}"
    while task["state"] in {"WAITING", "RUNNING"}:
        task = send(url, f"/tasks/{task['id']}?wait=30")
    return str(task["state"])


def test_no_secret_is_logged_or_stored(tmp_path: Path, sandbox: serve.Sandbox) -> None:
    clouds = tmp_path / "clouds.yaml"
    clouds.write_text(
        sandbox.clouds_yaml().replace(f"password: {identity_state.PASSWORD}", f"password: {PASSWORD}")
    )
    data, log = tmp_path / "data", tmp_path / "log"
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("OS_", "ENAMEL_"))}
    environ |= {"OS_CLIENT_CONFIG_FILE": str(clouds), "PYTHONUNBUFFERED": "1"}
    # Nobody listens there: that a delivery fails is logged, too.
    environ |= {"OS_WEBHOOKS__ALLOW": "127.0.0.0/8"}
    words = [
        "up",
        "--cloud",
        "sandbox",
        "--port",
        "0",
        "--data",
        str(data),
        "--log-level",
        "DEBUG",
        "--log-json",
    ]
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-m", "enamel.cli", *words], stdout=subprocess.PIPE, stderr=output, env=environ
        ) as up,
    ):
        assert up.stdout is not None
        said = re.search(rb"http://[\d.:]+\d", up.stdout.readline())
        assert said, log.read_text()
        url = said.group().decode()
        ends = [launch(url, name) for name in ("fine", "broken", "lost")]
        # What is refused is logged, too.
        send(url, "/servers", {"name": "x", "user_data": USER_DATA, "adminPass": "planted-7745"})
        send(url, "/servers?token=planted-1123")
        up.send_signal(signal.SIGTERM)
        up.communicate(timeout=30)
    assert up.returncode == 0
    assert ends == ["COMPLETED", "ABORTED", "COMPLETED"]
    logged, stored = log.read_bytes(), b"".join(path.read_bytes() for path in data.glob("enamel.db*"))
    assert b"request.done" in logged and b"webhook.failed" in logged
    planted = {PASSWORD, USER_DATA, "planted-", SIGNS, *sandbox.cloud.identity.tokens}
    for secret in planted:
        assert secret.encode() not in logged, re.findall(
            rb".*" + re.escape(secret.encode()) + rb".*", logged
        )[0]
        assert secret.encode() not in stored
