"""The policy: its table, its conditions, and who passes."""

import pytest

from enamel.commands import COMMANDS
from enamel.model.call_context import CallContext
from enamel.model.caller import Caller
from enamel.model.errors import Forbidden
from enamel.service.access import check, policy

TARGET = {"project_id": "p"}
CONDITIONS = {rule.name: rule.default for rule in (*policy.BASE, *policy.RULES)}


def caller(*roles: str, project: str = "p", local: bool = False) -> CallContext:
    return CallContext(caller=Caller(user_id="u", project_id=project, roles=roles, local=local))


def test_names_are_one_each_and_say_what_they_are_about() -> None:
    names = [rule.name for rule in policy.RULES]
    assert len(set(names)) == len(names)
    assert [name for name in names if not name.startswith("enamel:") or name.count(":") != 2] == []
    assert [rule.name for rule in policy.RULES if not rule.sentence.endswith(".") or not rule.scopes] == []


def test_every_command_has_its_rule() -> None:
    assert {rule.command for rule in policy.RULES if rule.command} == set(COMMANDS)
    assert [name for name in COMMANDS if policy.of_command(name) not in CONDITIONS] == []


@pytest.mark.parametrize("name", [rule.name for rule in policy.RULES])
def test_defaults_can_be_evaluated_and_operators_may_everything(name: str) -> None:
    policy.enforce(caller("admin", project="another"), name, TARGET)
    with pytest.raises(Forbidden):
        policy.enforce(caller(), name, TARGET)


@pytest.mark.parametrize(
    ("name", "roles", "allowed"),
    [
        ("enamel:server:list", ("reader",), True),
        ("enamel:server:list", ("member",), False),
        ("enamel:server:list", ("member", "reader"), True),
        ("enamel:server:create", ("reader",), False),
        ("enamel:server:create", ("reader", "Member"), True),
        ("enamel:server:migrate", ("member", "reader"), False),
        ("enamel:server:migrate", ("ADMIN",), True),
    ],
)
def test_roles_decide(name: str, roles: tuple[str, ...], allowed: bool) -> None:
    if allowed:
        policy.enforce(caller(*roles), name)
    else:
        with pytest.raises(Forbidden, match=name) as refused:
            policy.enforce(caller(*roles), name)
        assert refused.value.data == {"rule": name}


def test_members_of_another_project_may_nothing() -> None:
    with pytest.raises(Forbidden):
        policy.enforce(caller("member", "reader", project="another"), "enamel:server:get", TARGET)


def test_the_one_user_of_a_local_service_may_what_the_cloud_lets_them() -> None:
    for rule in policy.RULES:
        policy.enforce(caller(local=True), rule.name)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("@", True),
        ("!", False),
        ("role:a", True),
        ("role:A", True),
        ("role:c", False),
        ("not role:c", True),
        ("role:a and role:c", False),
        ("role:c or role:a", True),
        ("role:a or role:c and role:c", True),
        ("(role:a or role:c) and role:c", False),
        ("not (role:c or role:d)", True),
        ("project_id:%(project_id)s", True),
        ("user_id:%(project_id)s", False),
        ("rule:admin", False),
        ("rule:project_reader or role:b", True),
    ],
)
def test_conditions(condition: str, holds: bool) -> None:
    who = caller("a", "b").caller
    assert check.evaluate(condition, who, TARGET, rules=CONDITIONS) is holds


@pytest.mark.parametrize(
    "condition", ["", "role:a and", "(role:a", "role:a role:b", "rule:unknown", "sideways", "role:a)"]
)
def test_a_malformed_condition_is_an_error_and_never_passes(condition: str) -> None:
    with pytest.raises(ValueError, match="check"):
        check.evaluate(condition, caller("a", "b").caller, TARGET, rules=CONDITIONS)
