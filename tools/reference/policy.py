"""The page of the policy."""

import itertools

from enamel.api import routes
from enamel.service.access import policy
from enamel.service.access.policy import Rule
from tools.reference import page


def text() -> str:
    """Return the page: the base rules, then one table for each resource."""
    groups = itertools.groupby(policy.RULES, key=resource_of)
    by_resource: dict[str, list[Rule]] = {}
    for resource, rules in groups:
        by_resource.setdefault(resource, []).extend(rules)
    return page.compose(
        title="Policy",
        source="`enamel.service.access.policy`",
        intro="Who may do what. Each use case checks its rule first; defaults are check strings in oslo.policy's "
        "grammar. A local service has one user, to whom everything is allowed here: the cloud's own policy decides.",
        parts=[
            "## Base rules",
            page.table(
                header=["rule", "condition", "who"],
                rows=[(page.code(rule.name), page.code(rule.default), rule.sentence) for rule in policy.BASE],
            ),
            *itertools.chain.from_iterable(
                (f"## {page.code(resource)}", _table(rules)) for resource, rules in by_resource.items()
            ),
        ],
    )


def resource_of(rule: Rule) -> str:
    """Return the resource that a rule is about."""
    return rule.name.split(":")[1]


def _table(rules: list[Rule]) -> str:
    return page.table(
        header=["rule", "allows", "default", "scopes", "routes", "command"],
        rows=[
            (
                page.code(rule.name),
                rule.sentence,
                page.code(rule.default),
                ", ".join(rule.scopes),
                "<br>".join(page.code(f"{method} {path}") for method, path in routes.operations(rule.name)),
                page.code(rule.command),
            )
            for rule in rules
        ],
    )
