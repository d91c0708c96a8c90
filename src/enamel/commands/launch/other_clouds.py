"""Other clouds: the steps of a server that finds no room on its cloud; they wait until then."""

from collections.abc import Mapping, Sequence

import msgspec

from enamel.commands.command import Planned
from enamel.flow import plan as plans
from enamel.flow.plan import Group, Plan


def joined(first: Planned, others: Sequence[tuple[str, Planned]]) -> Planned:
    """Return a plan whose servers move on to other clouds if the first one has no room.

    Args:
        first: What is planned for the first cloud.
        others: The names of the further clouds, each with a plan that makes every server by itself.
    """
    secrets = dict(first.secrets)
    symbols = {text: symbol for symbol, text in secrets.items()}
    nodes, groups = list(first.plan.nodes), {group.name: group for group in first.plan.groups}
    for cloud, planned in others:
        # The same text is kept once, whichever clouds it may go to.
        same = {
            symbol: symbols.setdefault(text, f"{cloud}/{symbol}") for symbol, text in planned.secrets.items()
        }
        secrets |= {same[symbol]: text for symbol, text in planned.secrets.items()}
        nodes += plans.with_secrets(planned.plan, same).nodes
        groups = _longer(groups, planned.plan, cloud=cloud)
    plan = msgspec.structs.replace(first.plan, nodes=tuple(nodes), groups=tuple(groups.values()))
    return msgspec.structs.replace(first, plan=plan, secrets=secrets)


def _longer(groups: Mapping[str, Group], spare: Plan, *, cloud: str) -> dict[str, Group]:
    """Return groups with the places of one more cloud behind those that they have."""
    more = {
        group.name: tuple({**place, "cloud": cloud} for place in group.alternatives) for group in spare.groups
    }
    return {
        name: msgspec.structs.replace(group, alternatives=(*group.alternatives, *more.get(name, ())))
        for name, group in groups.items()
    }
