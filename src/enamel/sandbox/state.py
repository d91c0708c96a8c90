"""The cloud itself: the core that its services share, and the state of each of them."""

from __future__ import annotations

import random

from enamel.sandbox import calls, core, faults, guests, kernel, seams
from enamel.sandbox.compute import state as compute_state
from enamel.sandbox.identity import state as identity_state


class Cloud(core.Core):
    """Everything that exists in one sandbox.

    The services' states hang on it (`cloud.network`, `cloud.compute` …); `app.build` puts them there.
    """

    identity: identity_state.Identity
    network: seams.Network
    image: seams.Images
    volume: seams.Volumes
    secret: seams.Inventory
    compute: compute_state.Compute
    guests: guests.Guests

    def __init__(self, settings: kernel.Settings) -> None:
        """Start a cloud in which nothing exists."""
        super().__init__(settings)
        self.faults = faults.Faults(random.Random(settings.seed + 1))
        self.calls = calls.Calls()

    def touch(self, server_id: str) -> None:
        """Report that a server's reachability may have changed: its floating IPs, security groups or rules."""
        self.guests.touch(server_id)
