"""Every use case, built on parts that must not be touched before the policy has been asked."""

from typing import Any, NoReturn

from enamel.clouds.accounts import Party
from enamel.commands.orphan.find import Rules
from enamel.dispatch import local
from enamel.model.call_context import CallContext
from enamel.model.caller import Caller
from enamel.model.placement import Containers
from enamel.service import assembly, services
from enamel.service.access.webhook_targets import WebhookTargets
from enamel.service.process.health import Health

STRANGER = CallContext(caller=Caller(user_id="u", project_id="p", roles=("nobody",)))
"""A call of somebody with a role that no rule names."""


class Untouched:
    """Fails on any use."""

    def __getattr__(self, name: str) -> NoReturn:
        raise AssertionError(f"'{name}' was used before the policy was asked")


class NoAccounts:
    """Fails where a caller's clouds are asked for."""

    def of(self, party: Party) -> NoReturn:
        raise AssertionError(f"the clouds of {party} were used before the policy was asked")


def built() -> services.Services:
    """Return every use case."""
    untouched: Any = Untouched()
    return assembly.build(
        assembly.Parts(
            store=untouched,
            accounts=NoAccounts(),
            own_clouds=untouched,
            keys=untouched,
            dispatch=local.Local(),
            callers=untouched,
            health=Health({}),
            targets=WebhookTargets(),
            containers=Containers(),
            orphan_rules=Rules(),
        )
    )
