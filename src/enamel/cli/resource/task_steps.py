"""The steps of a task on screen: a line for each, all that is known of each, or each API call."""

from collections.abc import Iterator, Mapping
from typing import Any

import click

from enamel.cli import show, step_names
from enamel.cli.client import Client

_STEPS = ("step", "does", "state", "attempts", "took", "API calls", "")
_CALLS = ("step", "at", "took", "request", "status", "request id of the cloud")
_NO_ANSWER = "no answer"


def items(client: Client, task: show.Record) -> list[show.Record]:
    """Return the records of a task's steps, each with its API calls."""
    return list(client.pages(f"/tasks/{task['id']}/items", "items", limit=1000))


def show_steps(client: Client, task: show.Record, *, in_full: bool, calls: bool) -> None:
    """Print the steps of a task.

    Args:
        client: The service to ask.
        task: The task.
        in_full: Whether to print all that is known of each step, instead of a line.
        calls: Whether to print the API calls as well.

    """
    plan = client.get(f"/tasks/{task['id']}/plan")
    names = {node["name"]: step_names.of(node) for node in plan["steps"]}
    records = items(client, task)
    if in_full:
        for record in records:
            click.echo()
            show.facts(_facts(record, names))
    else:
        rows = [_row(record, names, task) for record in records]
        show.table(_STEPS, rows, empty=_without_steps(task))
    if calls:
        show.table(_CALLS, list(_calls(records)), empty="No API calls.")


def _row(item: show.Record, names: Mapping[str, str], task: show.Record) -> tuple[str, ...]:
    return (
        show.plain(item["name"]),
        show.plain(_does(item, names)),
        _state(item),
        str(item["attempt"]),
        show.lasted(item["started_at"], item["ended_at"]),
        str(len(item["calls"])),
        show.cause(item["error"], of=task["error"]) or show.plain(item["note"]),
    )


def _facts(item: show.Record, names: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return all that is known of a step."""
    error = item["error"]
    return [
        ("step", show.plain(item["name"])),
        ("does", show.plain(_does(item, names))),
        ("for", show.plain(item["group"])),
        ("state", _state(item)),
        ("attempts", str(item["attempt"])),
        ("started", show.clock(item["started_at"])),
        ("took", show.lasted(item["started_at"], item["ended_at"])),
        ("API calls", str(len(item["calls"]))),
        *((show.plain(key.replace("_", " ")), _value(value)) for key, value in item["outputs"].items()),
        ("note", show.plain(item["note"])),
        ("error", show.plain(f"{error['detail']} [{error['code']}]") if error else ""),
    ]


def _value(value: Any) -> str:
    """Return what a step made, in one line."""
    match value:
        case None | "":
            return ""
        case list():
            return "; ".join(map(_value, value))
        case dict():
            return ", ".join(f"{show.plain(key)} {_value(inner)}" for key, inner in value.items() if inner)
    return show.plain(value)


def _calls(records: list[show.Record]) -> Iterator[tuple[str, ...]]:
    """Yield a row for each API call, in the order in which they were sent."""
    calls = [(call, item["name"]) for item in records for call in item["calls"]]
    for call, step in sorted(calls, key=lambda pair: pair[0]["at"] or ""):
        yield (
            show.plain(step),
            show.clock(call["at"]),
            f"{call['ms']:.0f} ms",
            show.plain(f"{call['method']} {call['service']} {call['path']}"),
            str(call["status"]) if call["status"] else _NO_ANSWER,
            show.plain(call["request_id"]),
        )


def _does(item: show.Record, names: Mapping[str, str]) -> str:
    return names.get(item["name"]) or step_names.of(item)


def _state(item: show.Record) -> str:
    return show.state(item["state"]) + (" (uncertain)" if item["uncertain"] else "")


def _without_steps(task: show.Record) -> str:
    """Return why a task has no steps."""
    if task["type"] == "task.revert" and task["not_before"] and not task["ended_at"]:
        time = show.clock(task["not_before"])
        return f"Waits until {time}, then removes what task {task['parent']} made (its ttl)."
    return "No steps."
