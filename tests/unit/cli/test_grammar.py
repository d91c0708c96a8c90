"""The grammar: names of two words, old spellings, `--cloud` on every command, faults by their options."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import click
import pytest

from enamel.cli import pointers, program, renamed, step_names
from enamel.steps import KINDS
from tests.unit.cli.conftest import Type
from tests.unit.cli.test_client import answer, service
from tools.reference import cli

OF_NO_CLOUD = ("task", "cloud", "up", "api", "worker", "db", "conf", "sandbox")
"""Commands of the service itself."""


def leaves() -> Iterator[click.Context]:
    """Yield the context of every command that is not a group."""
    for context in cli.contexts():
        if not isinstance(context.command, click.Group):
            yield context


@pytest.mark.parametrize(("old", "new"), renamed.COMMANDS.items(), ids=list(renamed.COMMANDS))
def test_an_old_command_is_refused_with_the_new_one(bare: Type, old: str, new: tuple[str, ...]) -> None:
    refused = bare(*old.split(), "web")
    assert (refused.code, refused.out) == (2, "")
    assert f"`{old}` is now `{new[0]}`" in refused.err
    assert all(f"`{spelling}`" in refused.err for spelling in new)


@pytest.mark.parametrize(("old", "new"), renamed.OPTIONS.items(), ids=lambda part: " ".join(part))
def test_an_old_option_is_refused_with_the_new_one(bare: Type, old: tuple[str, str], new: str) -> None:
    command, option = old
    refused = bare(*command.split(), option, "web")
    assert (refused.code, refused.out) == (2, "")
    assert f"`{option}` is now `{new}`." in refused.err


def test_what_old_spellings_are_replaced_by_exists_and_they_do_not() -> None:
    options = {
        context.command_path.partition(" ")[2]: {
            name for option in cli.options(context) for name in option.opts
        }
        for context in leaves()
    }
    for old, spellings in renamed.COMMANDS.items():
        assert old not in options
        assert all(spelling.partition(" --")[0] in options for spelling in spellings)
    for (command, old), new in renamed.OPTIONS.items():
        assert old not in options[command] and new in options[command]


def test_a_move_is_now_a_migration(bare: Type) -> None:
    assert bare("server", "move", "web").err.endswith("Error: `server move` is now `server migrate`.\n")
    console = bare("server", "attach", "web").err
    assert "`server add volume`, `server add network` or `server add port`." in console


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("server add", "`add volume`"),
        ("server creat web", "`create`"),
        ("server resize-confirm web", "`resize confirm`"),
        ("servers list", "`server`"),
        ("volume ls", "`list`"),
        ("volume zzz", ""),
    ],
)
def test_an_unknown_command_is_refused_with_those_that_are_close(bare: Type, line: str, hint: str) -> None:
    refused = bare(*line.split())
    assert refused.code == 2 and "No such command" in refused.err
    assert hint in refused.err and ("Did you mean" in refused.err) == bool(hint)


def test_the_longest_name_wins(bare: Type) -> None:
    assert "--no-confirm" in bare("server", "resize", "--help").out
    assert "--no-confirm" not in bare("server", "resize", "confirm", "--help").out
    assert bare("server", "resize", "confirm").code == 2


def test_every_command_on_a_cloud_has_the_option() -> None:
    for context in leaves():
        names = {name for option in cli.options(context) for name in option.opts}
        path = context.command_path.split()[1:]
        assert ("--cloud" in names) == (path[0] not in OF_NO_CLOUD or path == ["up"]), path


@contextmanager
def recorded(replies: dict[str, Any]) -> Iterator[tuple[str, list[tuple[str, dict[str, list[str]]]]]]:
    """Run a service that answers paths, and yield its URL and the requests it got."""
    requests: list[tuple[str, dict[str, list[str]]]] = []

    def handle(request: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(request.path)
        requests.append((f"{request.command} {parts.path}", parse_qs(parts.query)))
        request.rfile.read(int(request.headers.get("Content-Length") or 0))
        reply = replies.get(parts.path)
        answer(request, 404 if reply is None else 200, json.dumps(reply or {"errors": []}))

    with service(handle) as url:
        yield url, requests


VOLUME = {"id": "v1", "name": "data", "size_gb": 1, "state": "available", "type": "ssd", "attached_to": []}


def test_the_cloud_is_part_of_every_request_but_those_about_tasks(bare: Type) -> None:
    replies = {
        "/volumes": {"volumes": [VOLUME], "_links": {}},
        "/tasks": {"tasks": [], "_links": {}},
    }
    with recorded(replies) as (url, requests):
        assert bare("--url", url, "volume", "list", "--cloud", "north").code == 0
        assert bare("--url", url, "volume", "list").code == 0
        bare("--url", url, "volume", "create", "data", "--size", "1", "--cloud", "north")
        bare("--url", url, "orphans", "--cloud", "north", "clean")
        bare("--url", url, "server", "tag", "list", "web", "--cloud", "north")
    clouds = [(name, query.get("cloud")) for name, query in requests]
    assert clouds == [
        ("GET /volumes", ["north"]),
        ("GET /volumes", None),
        ("POST /volumes", ["north"]),
        ("POST /orphans/clean", ["north"]),
        ("GET /servers", ["north"]),
    ]


def test_a_signal_is_sent_with_its_data(bare: Type) -> None:
    with recorded({"/tasks/t1/signals/ready": {"name": "ready"}}) as (url, requests):
        sent = bare("--url", url, "task", "signal", "t1", "ready", "--data", '{"port": 22}')
        wrong = bare("--url", url, "task", "signal", "t1", "ready", "--data", "{")
    assert (sent.code, sent.out) == (0, "Sent signal ready to task t1\n")
    assert requests == [("POST /tasks/t1/signals/ready", {})]
    assert (wrong.code, "is not JSON" in wrong.err) == (2, True)


def test_a_task_is_followed_without_a_cloud(bare: Type) -> None:
    with recorded({"/volumes": {"id": "t1"}}) as (url, requests):
        bare("--url", url, "volume", "create", "data", "--size", "1", "--cloud", "north", "--wait")
    assert requests[1] == ("GET /tasks/t1/plan", {})


def test_a_list_shows_the_cloud_of_records_that_have_one(bare: Type) -> None:
    headings = []
    for record in (VOLUME, VOLUME | {"cloud": "north"}):
        with recorded({"/volumes": {"volumes": [record], "_links": {}}}) as (url, _):
            header, _, row, *_ = bare("--url", url, "volume", "list").out.strip().splitlines()
        headings.append(header.split())
    assert headings[0] == ["volume", "size", "state", "type", "attached", "to", "id"]
    assert headings[1] == ["volume", "size", "state", "type", "attached", "to", "cloud", "id"]
    assert row.split()[-2:] == ["north", "v1"]


@pytest.mark.parametrize(
    ("command", "pointer", "option"),
    [
        ("server create", "/template", "--image"),
        ("server create", "/type/memory_mb", "--flavor"),
        ("server create", "/networks/0", "--network"),
        ("server create", "/networks/1/fixed_ip", "--network"),
        ("server create", "/public_address/from", "--address-network"),
        ("server create", "/public_address/address", "--address"),
        ("server create", "/volumes/0/size_gb", "--volume"),
        ("server create", "/keypair/public_key", "--key-name"),
        ("server create", "/name", "NAME"),
        ("server create", "/no_such_field", "/no_such_field"),
        ("server list", "?virt_state", "--state"),
        ("server list", "?cloud", "--cloud"),
        ("server snapshot", "/name", "--name"),
        ("server snapshot", "/kind", "--series"),
        ("server add volume", "/volume", "VOLUME"),
        ("server add volume", "/size_gb", "--size"),
        ("address create", "/from", "--address-network"),
        ("address attach", "/server", "SERVER"),
        ("task restart", "/from", "--from"),
        ("volume create", "/type", "--type"),
        ("server-type set", "/spec/memory_mb", "--memory"),
        ("orphans clean", "/ids/0", "IDS"),
    ],
)
def test_a_fault_names_the_option_that_is_wrong(command: str, pointer: str, option: str) -> None:
    (context,) = [context for context in leaves() if context.command_path == f"enamel {command}"]
    with context:
        assert pointers.spelled(pointer).rstrip(".").strip("[]") == option
    assert pointers.spelled(pointer) == pointer


def test_a_fault_of_a_file_keeps_its_pointer() -> None:
    (context,) = [context for context in leaves() if context.command_path == "enamel server create"]
    context.params["file"] = "request.json"
    with context:
        assert pointers.spelled("/template") == "/template"


def test_every_kind_of_step_has_a_name() -> None:
    assert set(step_names.NAMES) | {"server.act", "server.reach", "task.undo"} == set(KINDS)


def test_steps_are_named_by_what_they_do() -> None:
    assert step_names.of({"kind": "server.act", "inputs": {"what": "HARD_REBOOT"}}) == "hard reboot server"
    assert step_names.of({"kind": "server.reach", "inputs": {"ready_when": "tcp/22"}}) == "wait for tcp/22"
    for kind, name in (
        ("port.create", "delete port"),
        ("keypair.import", "delete keypair"),
        ("address.create", "delete address"),
        ("address.move", "detach address"),
        ("server.attach_volume", "detach volume"),
        ("server.resize", "undo resize server"),
    ):
        assert step_names.of({"kind": "task.undo", "inputs": {"of": kind}}) == name
    assert step_names.of({"kind": "volume.await", "inputs": {}}) == "wait for volume"
    assert step_names.of({"kind": "unknown.kind", "action": "DOING_IT"}) == "doing it"


def test_every_help_begins_with_a_verb() -> None:
    starts = {
        (context.command.help or "").split()[0].rstrip(":,")
        for context in cli.contexts()
        if context.command is not program.program
    }
    assert {word for word in starts if not word[0].isupper()} == set()
    assert not starts & {"A", "Have", "How", "The", "What", "Which"}
