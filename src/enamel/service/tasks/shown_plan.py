"""The plan as it is shown: of a task, with the state of each step, and of a request that was only previewed."""

from collections.abc import Mapping

import msgspec
from msgspec import Struct, structs

from enamel.flow import expressions, versions
from enamel.flow.plan import Group, Node
from enamel.flow.plan import Plan as FlowPlan
from enamel.model import item
from enamel.model.launch import FailurePolicy
from enamel.model.task import Task


class PlanStep(Node, frozen=True, kw_only=True):
    """One step of a plan; in its inputs, `<secret>` stands in the place of a secret."""

    state: item.State = item.State.WAITING


class Plan(Struct, frozen=True, kw_only=True):
    """A graph of steps."""

    steps: tuple[PlanStep, ...]
    groups: tuple[Group, ...]
    on_failure: FailurePolicy
    keep_going: bool
    """Whether the failure of a step keeps only those from beginning that build on it, as in a revert."""
    all_or_nothing: bool
    """Whether one group's failure undoes the others."""
    needs: dict[str, int]
    """What it takes of each quota."""
    calls: int
    """API calls that are planned, without polls."""
    notes: tuple[str, ...]
    """Notes of the planner, for example which fall-back it chose."""


def of(plan: FlowPlan) -> Plan:
    """Return a plan that nothing has been done of."""
    return Plan(
        steps=tuple(
            PlanStep(**{**structs.asdict(node), "inputs": expressions.shown(node.inputs)})
            for node in plan.nodes
        ),
        groups=plan.groups,
        on_failure=FailurePolicy(plan.on_failure),
        keep_going=plan.keep_going,
        all_or_nothing=plan.all_or_nothing,
        needs=plan.needs,
        calls=plan.calls,
        notes=plan.notes,
    )


def of_task(task: Task, states: Mapping[str, item.State]) -> Plan:
    """Return the plan of a task, which may be of a kind that this version cannot carry out.

    Args:
        task: The task.
        states: The states of its steps. A step without one is for a server that has not come to its cloud.
    """
    stored = versions.upgraded(task.plan)
    return Plan(
        steps=tuple(
            msgspec.convert(
                node | {"inputs": expressions.shown(node["inputs"]), "state": states[node["name"]]}, PlanStep
            )
            for node in stored.get("nodes", ())
            if node["name"] in states
        ),
        groups=msgspec.convert(stored.get("groups", ()), tuple[Group, ...]),
        on_failure=FailurePolicy(stored.get("on_failure", "rollback")),
        keep_going=stored.get("keep_going", False),
        all_or_nothing=stored.get("all_or_nothing", False),
        needs=stored.get("needs", {}),
        calls=stored.get("calls", 0),
        notes=tuple(stored.get("notes", ())),
    )
