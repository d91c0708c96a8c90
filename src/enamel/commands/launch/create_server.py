"""`server.create`: create servers, and everything around them, with one request.

Two plans lead there. *Ports first*: one bulk request makes all ports, then addresses are put on them while each
server boots by itself; for servers that differ, have volumes or fixed addresses, or can move on to another placement.
*Together*: one request boots servers that are equal, and addresses are put on the ports as soon as Nova has made
them. Either way nothing is left to do when the servers turn ACTIVE, unless they are to answer first.
"""

from collections import Counter
from datetime import timedelta
from typing import Any

from enamel.commands.command import CommandRequest, Planned
from enamel.commands.facts import Facts, FactsNeeded
from enamel.commands.launch import conflicts, facts_needed, servers, strategy
from enamel.commands.launch.plan_builder import PlanBuilder
from enamel.commands.launch.resolved_server import ResolvedServer, choose
from enamel.commands.lookup import Lookup
from enamel.flow.draft import Draft
from enamel.flow.plan import Plan, with_secrets
from enamel.model import duration, secret_url
from enamel.model.launch import Launch

TIMEOUT = timedelta(hours=1)
"""The time of a launch that names none."""


def ask(request: CommandRequest) -> FactsNeeded:
    """Return what has to be known of the cloud for this launch."""
    return facts_needed.of(servers.read(request.body, seed=request.seed))


def plan(request: CommandRequest, facts: Facts) -> Planned:
    """Return the plan of a launch, or all that stands in its way."""
    launch: Launch = request.body
    requested = servers.read(launch, seed=request.seed)
    lookup = Lookup(facts)
    resolved = [server for member in requested.members if (server := choose(member, lookup)) is not None]
    if len(resolved) < len(requested.members):
        planned, secrets = _least(resolved, len(requested.members)), dict[str, bytes]()
    elif request.spare:
        planned, secrets = _singly(resolved, request, facts)
    else:
        ports_first = strategy.ports_first(requested) or any(server.needs_own_ports for server in resolved)
        builder = PlanBuilder(resolved, task=request.task_id, ports_first=ports_first, facts=facts)
        planned, secrets = builder.write(launch), builder.secrets
    return Planned(
        plan=planned,
        faults=(*requested.faults, *lookup.faults, *conflicts.faults(request, requested, resolved, facts)),
        secrets=secrets,
        timeout=_duration(launch.timeout) or TIMEOUT,
        ttl=_duration(launch.ttl),
        not_before=launch.not_before,
        notify=tuple(launch.notify or ()),
        priority=launch.priority,
    )


def _least(choices: list[ResolvedServer], count: int) -> Plan:
    """Return a plan without steps, with the least that servers need of which some cannot be planned."""
    flavors = [choice.flavor for choice in choices]
    cores, memory_mb = sum(flavor.vcpus for flavor in flavors), sum(flavor.memory_mb for flavor in flavors)
    return Plan(needs={"servers": count, "cores": cores, "memory_mb": memory_mb})


def _singly(
    choices: list[ResolvedServer], request: CommandRequest, facts: Facts
) -> tuple[Plan, dict[str, bytes]]:
    """Return a plan that makes each server by itself, with all that it needs."""
    plans = []
    secrets: dict[str, bytes] = {}
    for choice in choices:
        draft = Draft(cloud=facts.cloud, group=choice.hostname)
        writer = PlanBuilder([choice], task=request.task_id, ports_first=True, facts=facts, draft=draft)
        part, texts = writer.write(request.body), writer.secrets
        # Each writer counts its texts from one.
        symbols = {symbol: f"{choice.hostname}/{symbol}" for symbol in texts}
        plans.append(with_secrets(part, symbols))
        secrets |= {symbols[symbol]: text for symbol, text in texts.items()}
    needs = Counter[str]()
    for part in plans:
        needs.update(part.needs)
    if needs["keypairs"]:
        # Servers that bring the same key along import it once.
        needs["keypairs"] = len(
            {choice.key.name for choice in choices if choice.key and choice.key.public_key}
        )
    whole = Plan(
        nodes=tuple(node for part in plans for node in part.nodes),
        groups=tuple(group for part in plans for group in part.groups),
        needs=dict(needs),
    )
    return whole, secrets


def _duration(text: str | None) -> timedelta | None:
    """Return the duration that a text names; None if it names none, which is reported as a fault elsewhere."""
    try:
        return duration.parse(text) if text else None
    except ValueError:
        return None


def blank(data: Any) -> Any:
    """Return a launch's data without the texts that may contain secrets."""
    if isinstance(data, dict):
        return {
            key: "(kept in the key store)" if key in {"user_data", "secret"} and value else blank(value)
            for key, value in data.items()
        }
    if isinstance(data, str) and secret_url.is_url(data):
        return secret_url.shown(data)
    return [blank(part) for part in data] if isinstance(data, list) else data
