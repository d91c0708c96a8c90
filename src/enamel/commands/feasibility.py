"""Feasibility: what a plan's steps require of the cloud, and of the project's quota, and do not find there."""

from collections import Counter
from collections.abc import Iterator, Sequence

from enamel.commands import needs, quota
from enamel.commands.facts import Facts
from enamel.flow.plan import Plan
from enamel.model.errors import Fault
from enamel.model.item import Item
from enamel.steps import KINDS


def faults(plan: Plan, facts: Facts, *, kept: Sequence[Item] = ()) -> Iterator[Fault]:
    """Yield a fault for each capability that the cloud lacks, and for each quota that is not enough.

    Args:
        plan: The plan.
        facts: What is known of the cloud.
        kept: Items of the plan that are done already.
    """
    done = {item.name for item in kept}
    yield from _missing(plan, facts, done=done)
    here = (node for node in plan.nodes if node.cloud in (None, facts.cloud) and node.name not in done)
    yield from quota.faults(needs.of(here) if kept else plan.needs, facts)


def _missing(plan: Plan, facts: Facts, *, done: set[str]) -> Iterator[Fault]:
    # Of another cloud, only its driver knows what it is capable of.
    here = [node for node in plan.nodes if node.cloud in (None, facts.cloud) and node.name not in done]
    by_capability = Counter(
        capability for node in here for capability in KINDS[node.kind].requires - facts.capabilities
    )
    for capability in sorted(by_capability, key=lambda known: known.value):
        detail = f"Cloud '{facts.cloud}' lacks the capability '{capability.value}'."
        yield Fault(pointer="", code="capability_missing", detail=detail)
