"""The commands, as they are typed, against a whole service on the built-in cloud."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.http import service
from tests.unit.cli.conftest import Type

LAUNCH = ("--image", "cirros", "--flavor", "m1.tiny")


def test_a_server_is_created_listed_shown_and_deleted(enamel: Type) -> None:
    created = enamel("server", "create", "cli", "--count", "2", *LAUNCH, "--public-address", "--allow", "tcp/2222",
                  "--ready-when", "tcp/2222", "--wait")  # fmt: skip
    assert created.code == 0
    assert "CREATE COMPLETED" in created.out
    assert re.search(r"cli-1 +ACTIVE .*127\.\d+\.", created.out)
    assert "is ACTIVE" in created.err
    listed = enamel("server", "list")
    assert (listed.code, listed.out.count("ACTIVE")) == (0, 2)
    assert enamel("server", "list", "--state", "error").out == "No servers.\n"
    server = enamel("server", "show", "cli-1")
    assert re.search(r"127\.\d+\.", server.out)
    id = enamel("server", "show", "cli-1", "--json").data["id"]
    assert enamel("server", "show", id, "--json").data["hostname"] == "cli-1"
    would = enamel("server", "delete", "cli-1", "--dry-run")
    assert (would.code, "Dry run: nothing was changed." in would.out) == (0, True)
    gone = enamel("server", "delete", "cli-1", "cli-2", "--wait")
    assert (gone.code, gone.out.count("TERMINATE COMPLETED")) == (0, 2)
    assert enamel("server", "list").out == "No servers.\n"


def test_a_server_is_launched_with_the_options_of_openstack(enamel: Type) -> None:
    network = next(
        record["id"]
        for record in enamel("network", "list", "--json").data["networks"]
        if record["name"] == "private"
    )
    created = enamel("server", "create", "osc", *LAUNCH, "--nic", f"net-id={network},v4-fixed-ip=10.0.0.55",
                     "--availability-zone", "az2", "--boot-from-volume", "2", "--wait")  # fmt: skip
    assert created.code == 0, created.err
    assert re.search(r"osc +ACTIVE .* 10\.0\.0\.55 .*sandbox/RegionOne/az2", created.out)
    assert enamel("server", "delete", "osc", "--wait").code == 0
    unknown = enamel("server", "create", "osc", *LAUNCH, "--availability-zone", "az7")
    assert (unknown.code, "No availability zone 'az7'." in unknown.err) == (1, True)
    both = enamel("server", "create", "osc", *LAUNCH, "--availability-zone", "az2", "--placement", "sandbox")
    assert (both.code, "exclude each other" in both.err) == (2, True)


def test_a_dry_run_says_what_would_be_made_and_deleted(enamel: Type) -> None:
    plan = enamel("server", "create", "sum", "--count", "2", *LAUNCH, "--public-address", "--volume", "1",
                  "--allow", "tcp/22", "--dry-run")  # fmt: skip
    assert re.search(
        r"^Would make 2 servers, 2 ports, 2 volumes, 2 floating IPs, 1 security group \(about \d+ API calls\)\. "
        r"Dry run: nothing was changed\.$",
        plan.out,
        re.MULTILINE,
    )
    created = enamel("server", "create", "sum", *LAUNCH, "--volume", "1", "--wait", "--json")
    undone = enamel("task", "revert", created.data["id"], "--dry-run")
    assert "Would delete 1 server, 1 volume (about" in undone.out
    gone = enamel("server", "delete", "sum", "--with", "everything", "--dry-run")
    assert "Would delete 1 server, 1 volume" in gone.out
    assert enamel("server", "delete", "sum", "--with", "everything", "--wait").code == 0


def test_json_is_the_only_standard_output(enamel: Type) -> None:
    created = enamel("server", "create", "machine", *LAUNCH, "--wait", "--json")
    assert (created.code, created.data["state"], created.err) == (0, "COMPLETED", "")
    id = created.data["id"]
    assert enamel("task", "show", id, "--json").data["id"] == id
    assert enamel("task", "list", "--all", "--json").data["tasks"]
    undone = enamel("task", "revert", id, "--wait", "--json")
    assert (undone.code, undone.data["parent"]) == (0, id)


def test_a_task_is_accepted_watched_and_shown(enamel: Type) -> None:
    accepted = enamel("server", "create", "seen", *LAUNCH)
    assert accepted.code == 0
    id = re.search(r"task ([0-9a-f-]{36})", accepted.out)[1]
    watched = enamel("task", "watch", id)
    assert watched.code == 0
    assert "accepted, " in watched.out and " API calls" in watched.out
    # The timeline of a task stays the same after its end.
    assert enamel("task", "watch", id).out == watched.out
    task = enamel("task", "show", id)
    assert "server-boot" in task.out and "COMPLETED" in task.out
    assert "No running tasks" in enamel("task", "list").out
    assert id in enamel("task", "list", "--all").out
    assert enamel("task", "revert", id, "--dry-run").code == 0
    assert enamel("task", "revert", id, "--wait").code == 0


def test_a_task_that_is_cancelled_says_so(enamel: Type) -> None:
    slow = enamel("server", "create", "slow", *LAUNCH, "--public-address", "--ready-when", "tcp/9", "--json")
    cancelled = enamel("task", "cancel", slow.data["id"], "--wait")
    assert (cancelled.code, "CREATE ABORTED" in cancelled.out) == (0, True)
    again = enamel("task", "cancel", slow.data["id"])
    assert (again.code, "has ended already" in again.err) == (1, True)


def test_a_launch_that_fails_explains_itself_and_exits_with_1(enamel: Type) -> None:
    failed = enamel("server", "create", "mute", *LAUNCH, "--public-address", "--ready-when", "tcp/9",
                    "--timeout", "1s", "--wait")  # fmt: skip
    assert failed.code == 1
    assert "CREATE" in failed.out and failed.err
    assert enamel("server", "list").out == "No servers.\n"


def test_a_dry_run_shows_plan_quota_and_faults(enamel: Type) -> None:
    plan = enamel("server", "create", "dry", *LAUNCH, "--public-address", "--dry-run")
    assert plan.code == 0
    assert (
        "server-boot" in plan.out
        and "1 floating IP" in plan.out
        and "Dry run: nothing was changed." in plan.out
    )
    faulty = enamel("server", "create", "dry", "--image", "nothing", "--flavor", "m1.huge", "--dry-run")
    assert faulty.code == 1
    assert "--image:" in faulty.err and "--flavor:" in faulty.err


def test_what_is_refused_names_every_fault(enamel: Type) -> None:
    refused = enamel(
        "server", "create", "bad", "--image", "nothing", "--flavor", "m1.huge", "--allow", "tcp/0"
    )
    assert (refused.code, refused.out) == (1, "")
    assert {"--image", "--flavor", "--allow"} <= {line.split(":")[0] for line in refused.err.splitlines()}
    as_json = enamel("server", "create", "bad", "--image", "nothing", "--json")
    assert as_json.data["errors"][0]["status"] == 400


@pytest.mark.parametrize("name", ["nobody", "ffffffff-ffff-4fff-8fff-ffffffffffff", "a/b", "?x"])
def test_unknown_servers_are_refused(enamel: Type, name: str) -> None:
    for command in (("show",), ("delete",)):
        said = enamel("server", *command, name)
        assert (said.code, f"No server '{name}'" in said.err) == (1, True)


@pytest.mark.parametrize("command", ["show", "watch", "cancel", "revert"])
def test_unknown_tasks_are_refused(enamel: Type, command: str) -> None:
    said = enamel("task", command, "nothing")
    assert (said.code, "no task" in said.err) == (1, True)


@pytest.mark.parametrize(
    "line",
    ["server create", "server create web --count 0", "server create web --volume x", "server delete", "nonsense",
     "task list --limit 0", "--url nowhere server list", "up --boot-seconds soon", "up --cloud a --sandbox",
     "sandbox --boot-seconds 3-1"],
)  # fmt: skip
def test_wrong_command_lines_exit_with_2(bare: Type, line: str) -> None:
    said = bare(*line.split())
    assert said.err
    assert said.code in {1, 2} if "--cloud" in line else said.code == 2


@pytest.mark.parametrize(
    "line", ["--help", "--version", "up --help", "sandbox --help", "server --help", "server create --help", "task --help"]
)  # fmt: skip
def test_help_needs_no_service(bare: Type, line: str) -> None:
    said = bare(*line.split())
    assert (said.code, bool(said.out), said.err) == (0, True, "")


def test_a_service_that_is_down_exits_with_3(bare: Type) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    said = bare("--url", url, "server", "list")
    assert (said.code, "enamel up" in said.err) == (3, True)


def test_ctrl_c_while_waiting_says_that_the_task_goes_on(whole: service.Whole, enamel: Type) -> None:
    launch = ["server", "create", "left", *LAUNCH, "--public-address", "--ready-when", "tcp/9", "--wait"]
    with service.start(*launch, ENAMEL_URL=whole.url) as waiting:
        assert waiting.stderr is not None
        line = waiting.stderr.readline()
        while "wait for server" not in line:
            line = waiting.stderr.readline()
        waiting.send_signal(signal.SIGINT)
        rest = waiting.stderr.read()
    assert waiting.returncode == 130
    assert "goes on" in rest and "Traceback" not in rest
    id = re.search(r"enamel task watch ([0-9a-f-]{36})", rest)[1]
    assert f"enamel task cancel {id}" in rest
    assert enamel("task", "cancel", id, "--wait").code == 0


def test_small_commands_import_little(whole: service.Whole) -> None:
    heavy = "sqlalchemy starlette uvicorn aiohttp openstack keystoneauth1 enamel.bootstrap cryptography"
    code = (
        "import sys; from enamel.cli import program; program.run(['server', 'list', '--json']); "
        f"print([name for name in {heavy.split()} if name in sys.modules], file=sys.stderr)"
    )
    environ = {**os.environ, "ENAMEL_URL": whole.url}
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True
    )
    assert ran.stderr == "[]\n"


def test_up_starts_prints_its_url_and_stops_on_sigterm(tmp_path: Path, bare: Type) -> None:
    with service.start("up", "--port", "0", "--data", str(tmp_path / "data"), HOME=str(tmp_path)) as up:
        assert up.stdout is not None and up.stderr is not None
        said = up.stdout.readline()
        assert "because no cloud is configured" in said
        url = re.search(r"http://127\.0\.0\.1:\d+", said)[0]
        assert bare("--url", url, "task", "list").code == 0
        port = url.rpartition(":")[2]
        with service.start("up", "--sandbox", "--port", port, "--data", str(tmp_path / "other")) as second:
            _, why = second.communicate()
        assert (second.returncode, "listens on" in why, "Traceback" in why) == (1, True, False)
        up.send_signal(signal.SIGTERM)
        said, complained = up.communicate()
    assert (up.returncode, complained) == (0, "")
    assert "Stopping" in said


def test_sandbox_prints_a_clouds_yaml(tmp_path: Path) -> None:
    with service.start("sandbox", "--boot-seconds", "0.1") as cloud:
        assert cloud.stdout is not None
        assert cloud.stdout.readline() == "clouds:\n"
        cloud.send_signal(signal.SIGINT)
        cloud.communicate()
    assert cloud.returncode == 0


@pytest.mark.parametrize("text", ["- match: {path: '('}", "no list", "[7]", "- then: {colour: red}"])
def test_a_file_without_faults_is_refused(tmp_path: Path, bare: Type, text: str) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text(text)
    said = bare("sandbox", "--faults", str(path))
    assert (said.code, str(path) in said.err) == (2, True)


def test_a_task_that_failed_is_restarted(enamel: Type) -> None:
    failed = enamel("server", "create", "slowly", *LAUNCH, "--public-address", "--ready-when", "tcp/9",
                    "--timeout", "1s", "--on-failure", "keep", "--wait", "--json")  # fmt: skip
    id = failed.data["id"]
    assert (failed.code, failed.data["state"]) == (1, "TIMED_OUT")
    would = enamel("task", "restart", id, "--dry-run")
    assert (would.code, "Dry run: nothing was changed." in would.out) == (0, True)
    again = enamel("task", "restart", id, "--from", "server-boot-slowly", "--json")
    assert (again.code, again.data["parent"]) == (0, id)
    assert enamel("task", "restart", id).code == 1
    assert enamel("task", "restart", again.data["id"], "--from", "nothing").code == 1
    ended = enamel("task", "watch", again.data["id"])
    assert (ended.code, "slowly" in ended.out) == (1, True)
    assert enamel("task", "revert", again.data["id"], "--wait").code == 0
    assert enamel("server", "list").out == "No servers.\n"


def test_a_task_without_webhooks_has_none_to_replay(enamel: Type) -> None:
    created = enamel("server", "create", "quiet", *LAUNCH, "--wait", "--json")
    replayed = enamel("task", "replay", created.data["id"], "--after", "0")
    assert (replayed.code, "has no webhook" in replayed.err) == (1, True)
    assert enamel("task", "revert", created.data["id"], "--wait").code == 0
    assert enamel("task", "forget", created.data["id"]).code == 0
    assert enamel("task", "forget", created.data["id"]).code == 1


def test_a_webhook_gets_a_new_secret_from_a_file(enamel: Type, tmp_path: Path) -> None:
    hook, file = "https://hooks.invalid/typed", tmp_path / "secret"
    created = enamel("server", "create", "loud", *LAUNCH, "--notify", hook, "--wait", "--json")
    file.write_text("whsec_bm90aGluZyBidXQgYW5vdGhlciB0ZXN0\n")
    changed = enamel("task", "secret", created.data["id"], "--webhook", hook, "--secret-file", str(file))
    assert (changed.code, hook in changed.out, "whsec" in changed.out) == (0, True, False)
    file.write_text("word")
    assert (
        enamel("task", "secret", created.data["id"], "--webhook", hook, "--secret-file", str(file)).code == 1
    )
    assert enamel("task", "revert", created.data["id"], "--wait").code == 0
