"""The preview of a command: what it would make and delete, with `--dry-run` and before it is asked whether to go on."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import click

from enamel.cli import resources, show, step_names
from enamel.cli.client import Client
from enamel.cli.failure import Exit

RESOURCES = {
    "servers": "server",
    "ports": "port",
    "volumes": "volume",
    "snapshots": "snapshot",
    "addresses": "floating IP",
    "security_groups": "security group",
    "server_groups": "server group",
}
"""What a plan makes, by the name of the quota that it needs."""
_DELETES = "delete "
"""How the names of steps begin that delete something."""
_DESTROYS = (_DELETES, "remove ", "undo ", "detach ")
"""How the names of steps begin after which something is gone."""
_MOST_STEPS = 40
"""Steps of a plan that are listed one by one."""
_MOST_FAULTS = 20


def show_all(client: Client, answers: Sequence[show.Record], *, as_json: bool) -> Exit:
    """Print what requests would do; the exit code says whether they could."""
    if as_json:
        show.as_json(answers[0] if len(answers) == 1 else {"previews": answers})
    else:
        for answer in answers:
            _show(client, answer)
    return Exit.FAILED if any(answer["faults"] for answer in answers) else Exit.DONE


def show_one(client: Client, answer: show.Record, *, as_json: bool) -> Exit:
    """Print what a request would do; the exit code says whether it could."""
    return show_all(client, [answer], as_json=as_json)


def losses(client: Client, answers: Sequence[show.Record]) -> list[str]:
    """Return what requests would delete, a line for each kind of resource."""
    nodes = [node for answer in answers for node in answer["plan"]["steps"]]
    lines = [
        f"{what.capitalize()} {name}" + (f" ({number} in all)" if int(number) > 1 else "")
        for what, number, name in resources.rows({"steps": nodes}, resources.Names(client))
        if what.startswith(_DESTROYS)
    ]
    return ["This will:", *(f"  {line}" for line in lines)] if lines else []


def _show(client: Client, answer: show.Record) -> None:
    nodes, faults = answer["plan"]["steps"], answer["faults"]
    if nodes:
        # What is asked for may not be known to any cloud: names are looked up for a plan without faults.
        rows = resources.rows(answer["plan"], resources.Names(None if faults else client))
        if rows:
            show.table(["what", "number", "details"], rows, empty="")
        _steps(nodes)
        _quota(answer["quota"])
    if nodes or not faults:
        click.echo(f"{summary(answer)} Dry run: nothing was changed.")
    for note in answer["plan"]["notes"]:
        click.echo(note)
    for fault in faults[:_MOST_FAULTS]:
        click.echo(show.fault(fault), err=True)
    if len(faults) > _MOST_FAULTS:
        click.echo(f"{len(faults) - _MOST_FAULTS} more errors; --json prints all.", err=True)


def _steps(nodes: Sequence[show.Record]) -> None:
    """Print the steps of a plan, if they are few."""
    if len(nodes) > _MOST_STEPS:
        click.echo(f"{len(nodes)} steps; --json prints them.")
        return
    rows = [
        (
            show.plain(node["name"]),
            show.plain(step_names.of(node)),
            show.plain(node["group"] or "all"),
            show.listed(node["after"]),
        )
        for node in nodes
    ]
    show.table(["step", "does", "for", "after"], rows, empty="")


def _quota(quotas: show.Record) -> None:
    """Print the quota that a plan needs."""
    rows = [
        (kind, str(entry["wanted"]), _free(entry), "none" if entry["limit"] < 0 else str(entry["limit"]))
        for kind, entry in quotas.items()
        if entry["wanted"]
    ]
    if rows:
        show.table(["quota", "needed", "free", "limit"], rows, empty="")


def _free(quota: show.Record) -> str:
    return "unlimited" if quota["free"] is None else str(quota["free"])


def summary(answer: show.Record) -> str:
    """Return what a plan makes and deletes, in one sentence."""
    plan = answer["plan"]
    if not plan["steps"]:
        return "Nothing to do."
    needs = plan.get("needs") or {}
    makes = [show.count(needs[quota], noun) for quota, noun in RESOURCES.items() if needs.get(quota)]
    deletes = [show.count(number, noun) for noun, number in deleted(plan).items()]
    does = [
        f"{verb} {', '.join(resources)}"
        for verb, resources in (("make", makes), ("delete", deletes))
        if resources
    ]
    what = " and ".join(does) or f"run {show.count(len(plan['steps']), 'step')}"
    return f"Would {what} (about {show.count(plan['calls'], 'API call')})."


def deleted(plan: show.Record) -> Counter[str]:
    """Return how many resources of each kind a plan deletes."""
    numbers = Counter[str]()
    for node in plan["steps"]:
        name = step_names.of(node)
        if name.startswith(_DELETES):
            numbers[name.removeprefix(_DELETES)] += _size(node)
    return numbers


def _size(node: Any) -> int:
    """Return how many resources a step deletes: a step that undoes another one may delete several."""
    inputs = node["inputs"]
    kind, _, _ = inputs.get("of", "").partition(".")
    return len(inputs.get("only") or inputs.get("outputs", {}).get(f"{kind}s") or [node])
