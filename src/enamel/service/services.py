"""The use cases of Enamel, for whichever face offers them to callers."""

from dataclasses import dataclass

from enamel.service.access import caller
from enamel.service.process import health, metrics
from enamel.service.resources import (
    address,
    catalogue,
    cloud,
    orphan,
    placement,
    server_type,
    server_type_share,
)
from enamel.service.tasks import cancel, follow, read, signal, submit, webhooks


@dataclass(kw_only=True, slots=True)
class Services:
    """Every use case, built once per process."""

    submit: submit.Submit
    read: read.Read
    catalogue: catalogue.Catalogue
    addresses: address.Addresses
    radar: orphan.Radar
    placements: placement.Placements
    server_types: server_type.ServerTypes
    type_shares: server_type_share.TypeShares
    follow: follow.Follow
    cancel: cancel.Cancel
    notices: webhooks.Webhooks
    signals: signal.Signals
    callers: caller.Callers
    health: health.Health
    cloud_states: cloud.CloudStates
    metrics: metrics.Metrics

    def end(self) -> None:
        """Release everybody who waits, and report that this process is about to stop."""
        self.follow.end()
        self.health.end()
