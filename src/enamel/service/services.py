"""The use cases of Enamel, for any face that offers them to callers.

Every use case takes the call's context first, which says on whose behalf, and checks its rule of the policy as its first
act. Where a resource is on a cloud, `cloud` names it.
"""

from dataclasses import dataclass

from enamel.service.access import caller
from enamel.service.process import health, metrics
from enamel.service.resources import (
    address,
    cloud,
    keypair,
    network,
    orphan,
    placement,
    project,
    quota,
    server_action,
    server_change,
    server_console,
    server_history,
    server_list,
    server_tags,
    server_type,
    server_type_change,
    server_type_share,
    template,
    volume,
    volume_snapshot,
)
from enamel.service.tasks import cancel, follow, read, signal, submit, webhooks


@dataclass(kw_only=True, slots=True)
class Services:
    """Every use case, built once per process."""

    callers: caller.Callers
    # tasks
    submit: submit.Submit
    tasks: read.Read
    follow: follow.Follow
    cancel: cancel.Cancel
    webhooks: webhooks.Webhooks
    signals: signal.Signals
    # servers
    servers: server_list.Servers
    server_actions: server_action.ServerActions
    server_changes: server_change.ServerChanges
    server_history: server_history.ServerHistory
    server_tags: server_tags.ServerTags
    consoles: server_console.Consoles
    # what is around servers
    addresses: address.Addresses
    keypairs: keypair.Keypairs
    networks: network.Networks
    orphans: orphan.Radar
    server_types: server_type.ServerTypes
    server_type_changes: server_type_change.ServerTypeChanges
    templates: template.Templates
    type_shares: server_type_share.TypeShares
    volumes: volume.Volumes
    volume_snapshots: volume_snapshot.VolumeSnapshots
    # where it is
    cloud_states: cloud.CloudStates
    placements: placement.Placements
    projects: project.Projects
    quotas: quota.Quotas
    # the process
    health: health.Health
    metrics: metrics.Metrics

    def end(self) -> None:
        """Release everybody who waits, and report that this process is about to stop."""
        self.follow.end()
        self.health.end()
