"""What scripts rely on: one JSON document from every command, whatever happens, and nobody who asks questions."""

import io
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import click
import pytest

from enamel.cli import grammar, program
from tests.unit.cli.conftest import Type
from tests.unit.cli.test_client import service

LAUNCH = ("--image", "cirros", "--flavor", "m1.tiny")
PROCESSES = {"up", "api", "worker", "db", "conf", "sandbox"}
"""Commands that do not talk to the service."""
DESTROYING = {
    ("address", "delete"),
    ("keypair", "delete"),
    ("orphans", "clean"),
    ("server", "delete"),
    ("server", "rebuild"),
    ("server-type", "delete"),
    ("task", "revert"),
    ("volume", "delete"),
    ("volume", "delete-snapshot"),
}


def leaves(
    command: click.Command, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every command of the program that talks to the service."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None and (path or name not in PROCESSES):
                yield from leaves(below, (*path, name))
    if not isinstance(command, grammar.Words) or command.invoke_without_command:
        yield path, command


LEAVES = dict(leaves(program.program))


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_every_command_prints_json_for_programs(path: tuple[str, ...]) -> None:
    assert "as_json" in {parameter.name for parameter in LEAVES[path].params}


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_what_destroys_can_be_answered_in_advance(path: tuple[str, ...]) -> None:
    assert ("yes" in {parameter.name for parameter in LEAVES[path].params}) == (path in DESTROYING)


def arguments(command: click.Command) -> list[str]:
    """Return a value for each argument and each option that a command needs."""
    values: list[str] = []
    for parameter in command.params:
        if isinstance(parameter, click.Argument) and parameter.required:
            values.append("x")
        elif isinstance(parameter, click.Option) and parameter.required:
            kind = parameter.type
            values += [parameter.opts[0], __file__ if isinstance(kind, click.Path | click.File) else "1"]
    return values


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
@pytest.mark.parametrize("answer", ["enamel", "nova", "page"])
def test_every_failure_is_one_document(bare: Type, path: tuple[str, ...], answer: str) -> None:
    def refuse(request: BaseHTTPRequestHandler) -> None:
        request.rfile.read(int(request.headers.get("Content-Length") or 0))
        request.send_response(403 if answer == "enamel" else 200)
        if answer != "page":
            request.send_header(
                "OpenStack-API-Version", "enamel 1.0" if answer == "enamel" else "compute 2.1"
            )
        request.end_headers()
        error = {"code": "enamel.request.forbidden", "detail": "Not for you."}
        text = "<html>" if answer == "page" else json.dumps({"errors": [error]})
        request.wfile.write(text.encode())

    with service(refuse) as url:
        said = bare("--url", url, *path, *_needed(path), "--json")
    (error,) = said.data["errors"]
    assert said.code == (1 if answer == "enamel" else 3), said
    assert error["detail"] in said.err


def _needed(path: tuple[str, ...]) -> list[str]:
    more = {
        ("server", "create"): ["--image", "x"],
        ("server", "add volume"): ["x"],
        ("server", "remove network"): ["x"],
        ("server", "password"): ["--password", "x"],
        ("server-type", "tag"): [],
    }
    return [*arguments(LEAVES[path]), *more.get(path, [])]


@pytest.mark.parametrize(
    "line",
    [
        "server create --count none",
        "task show",
        "server nonsense",
        "server list --bad",
        "nonsense",
        "task list x",
    ],
)
def test_a_wrong_command_line_is_a_document_as_well(bare: Type, line: str) -> None:
    said = bare(*line.split(), "--json")
    (error,) = said.data["errors"]
    assert (said.code, error["code"]) == (2, "enamel.cli.usage")
    assert error["detail"] and error["detail"] in said.err.replace("\n", " ")


def test_several_tasks_are_one_document(enamel: Type) -> None:
    created = enamel("server", "create", "pair", "--count", "2", *LAUNCH, "--wait", "--json")
    assert created.data["state"] == "COMPLETED"
    stopped = enamel("server", "stop", "pair-1", "pair-2", "pair-1", "--wait", "--json")
    assert [task["state"] for task in stopped.data["tasks"]] == ["COMPLETED", "COMPLETED"]
    # What is refused keeps nothing else from being done, and nothing from being told.
    assert enamel("server", "start", "pair-1", "--wait").code == 0
    mixed = enamel("server", "start", "pair-1", "pair-2", "--wait", "--json")
    assert mixed.code == 1
    assert [task["state"] for task in mixed.data["tasks"]] == ["COMPLETED"]
    assert [error["code"] for error in mixed.data["errors"]] == ["enamel.request.action_impossible"]
    plans = enamel("server", "delete", "pair-1", "pair-2", "--dry-run", "--json")
    assert [plan["faults"] for plan in plans.data["previews"]] == [[], []]
    gone = enamel("server", "delete", "pair-1", "pair-2", "--wait", "--json")
    assert [task["state"] for task in gone.data["tasks"]] == ["COMPLETED", "COMPLETED"]
    assert enamel("task", "forget", gone.data["tasks"][0]["id"], "last", "--json").data["deleted"]


def test_a_task_that_fails_is_a_document_with_the_task(enamel: Type) -> None:
    failed = enamel("server", "create", "mute", *LAUNCH, "--public-address", "--ready-when", "tcp/9", "--timeout", "1s",
                    "--wait", "--json")  # fmt: skip
    assert (failed.code, failed.data["state"]) == (1, "TIMED_OUT")


class Terminal(io.StringIO):
    """Standard input with a person at it."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_person_is_told_what_goes_and_asked(
    enamel: Type, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    created = enamel(
        "server",
        "create",
        "asked",
        *LAUNCH,
        "--public-address",
        "--volume",
        "1::asked-data",
        "--wait",
        "--json",
    )
    address = created.data["servers"][0]["public_address"]
    for answer in ("n\n", "\n"):
        monkeypatch.setattr("sys.stdin", Terminal(answer))
        kept = enamel("server", "delete", "asked", "--with", "everything", *options)
        assert kept.code == 1 and "Nothing was changed." in kept.err
        assert all(f"{name}" in kept.err for name in ("server asked", address, "volume asked-data"))
        assert enamel("server", "show", "asked", "--json").data["virt_state"] == "ACTIVE"
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    unasked = enamel("task", "revert", created.data["id"], "--dry-run")
    assert (unasked.code, "Continue?" in unasked.err) == (0, False)
    reverted = enamel("task", "revert", created.data["id"])
    assert (reverted.code, "server asked" in reverted.err.lower()) == (1, True)
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    assert enamel("server", "delete", "asked", "--with", "everything", "--wait").code == 0


def test_yes_answers_in_advance(enamel: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    assert enamel("volume", "create", "unasked", "--size", "1", "--wait").code == 0
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    assert enamel("volume", "delete", "unasked").code == 1
    done = enamel("volume", "delete", "unasked", "--yes", "--wait")
    assert (done.code, "Continue?" in done.err) == (0, False)
