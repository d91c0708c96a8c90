"""The driver of OpenStack clouds: what the entry point names."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from enamel.clouds import driver
from enamel.clouds.calls.timeouts import Timeouts
from enamel.clouds.openstack import cloud, config
from enamel.clouds.pacing.gate import Paces
from enamel.clouds.shared.store import SharedStore


class OpenStack:
    """The OpenStack clouds of the configuration."""

    def __init__(self, *, file: Path | None = None) -> None:
        """Read the configuration: the one that openstacksdk finds, or one clouds.yaml alone."""
        self._configuration = config.Configuration(file=file)

    def names(self) -> Sequence[str]:
        """Return the entries of clouds.yaml and of the environment, the default one first."""
        return self._configuration.names()

    def open(self, name: str, *, project: str | None, board: SharedStore, paces: Paces) -> driver.Cloud:
        """Return a new handle of an entry, for its own project or another one, without a call to the cloud."""
        region = self._configuration.region(name, project=project)
        with config.usable(name):
            return self._opened(name, region, board=board, paces=paces)

    def _opened(self, name: str, region: Any, *, board: SharedStore, paces: Paces) -> driver.Cloud:
        # Several entries may be several projects, or users, of the same cloud.
        gates = paces.of(cloud.site_of(region), cloud=name, pauses=Timeouts().pauses)
        sibling = functools.partial(self._configuration.sibling, name)
        return cloud.OpenStackCloud(name, region, board=board, gates=gates, sibling=sibling)
