"""Build the use cases of a process from its parts."""

from dataclasses import dataclass

from enamel.clouds import driver
from enamel.clouds.accounts import Accounts
from enamel.commands.orphan.find import Rules
from enamel.dispatch.base import Dispatch
from enamel.model.placement import Containers
from enamel.secrets.base import Keys
from enamel.service.access.caller import Callers
from enamel.service.access.clouds import CallerClouds
from enamel.service.access.webhook_targets import WebhookTargets
from enamel.service.planning.candidates import CandidatePlanner
from enamel.service.planning.preparation import Preparer
from enamel.service.planning.server_locator import ServerLocator
from enamel.service.process.health import Health
from enamel.service.process.metrics import Metrics
from enamel.service.resources.address import Addresses
from enamel.service.resources.cloud import CloudStates
from enamel.service.resources.keypair import Keypairs
from enamel.service.resources.network import Networks
from enamel.service.resources.orphan import Radar
from enamel.service.resources.placement import Placements
from enamel.service.resources.project import Projects
from enamel.service.resources.quota import Quotas
from enamel.service.resources.server_action import ServerActions
from enamel.service.resources.server_change import ServerChanges
from enamel.service.resources.server_console import Consoles
from enamel.service.resources.server_history import ServerHistory
from enamel.service.resources.server_list import Servers
from enamel.service.resources.server_tags import ServerTags
from enamel.service.resources.server_type import ServerTypes
from enamel.service.resources.server_type_change import ServerTypeChanges
from enamel.service.resources.server_type_share import TypeShares
from enamel.service.resources.template import Templates
from enamel.service.resources.volume import Volumes
from enamel.service.resources.volume_snapshot import VolumeSnapshots
from enamel.service.services import Services
from enamel.service.tasks.cancel import Cancel
from enamel.service.tasks.follow import Follow
from enamel.service.tasks.read import Read
from enamel.service.tasks.signal import Signals
from enamel.service.tasks.submit import Submit
from enamel.service.tasks.webhooks import Webhooks
from enamel.store.engine import Store


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """What use cases are built from."""

    store: Store
    accounts: Accounts
    """The clouds of each caller."""
    own_clouds: driver.Clouds
    """The clouds that this process calls, whoever asks: for its metrics."""
    keys: Keys
    dispatch: Dispatch
    callers: Callers
    health: Health
    targets: WebhookTargets
    """Where webhooks may be sent."""
    containers: Containers
    """What the operator has put over the clouds."""
    orphan_rules: Rules
    """When orphans are proposed for a clean-up."""


def build(parts: Parts) -> Services:
    """Return every use case."""
    store, dispatch, clouds = parts.store, parts.dispatch, CallerClouds(parts.accounts)
    locator = ServerLocator(store, clouds=clouds)
    radar = Radar(store, clouds=clouds, rules=parts.orphan_rules)
    candidates = CandidatePlanner(store, clouds=clouds, radar=radar)
    preparer = Preparer(
        store,
        clouds=clouds,
        locator=locator,
        candidates=candidates,
        targets=parts.targets,
        containers=parts.containers,
    )
    submit = Submit(store, keys=parts.keys, dispatch=dispatch, preparer=preparer, candidates=candidates)
    tasks = Read(store, clouds=clouds)
    servers = Servers(clouds, locator=locator)
    return Services(
        callers=parts.callers,
        submit=submit,
        tasks=tasks,
        follow=Follow(store, dispatch=dispatch, reader=tasks),
        cancel=Cancel(store, dispatch=dispatch, read=tasks, keys=parts.keys),
        webhooks=Webhooks(store, keys=parts.keys, read=tasks),
        signals=Signals(store, dispatch=dispatch, read=tasks, keys=parts.keys),
        servers=servers,
        server_actions=ServerActions(submit),
        server_changes=ServerChanges(locator, servers=servers, submit=submit),
        server_history=ServerHistory(store, locator=locator),
        server_tags=ServerTags(locator),
        consoles=Consoles(locator),
        addresses=Addresses(clouds),
        keypairs=Keypairs(clouds),
        networks=Networks(clouds),
        orphans=radar,
        server_types=ServerTypes(clouds),
        server_type_changes=ServerTypeChanges(submit),
        templates=Templates(clouds),
        type_shares=TypeShares(clouds),
        volumes=Volumes(clouds),
        volume_snapshots=VolumeSnapshots(clouds),
        cloud_states=CloudStates(clouds),
        placements=Placements(clouds, containers=parts.containers),
        projects=Projects(clouds),
        quotas=Quotas(store, clouds=clouds),
        health=parts.health,
        metrics=Metrics(store, clouds=parts.own_clouds),
    )
