"""Drivers: the kinds of clouds that a process knows.

A package brings a driver with an entry point in the group `enamel.clouds`; an operator names others by the path of their
class. Either way a driver is a class whose instances are a `Driver`.
"""

import importlib
from collections.abc import Collection, Sequence
from importlib import metadata
from typing import Protocol

from enamel.clouds import driver
from enamel.clouds.pacing.gate import Paces
from enamel.clouds.shared.store import SharedStore
from enamel.model.driver_path import DriverPath
from enamel.model.errors import Invalid

GROUP = "enamel.clouds"
SETTING = "[clouds] drivers"


class Driver(Protocol):
    """The clouds of one kind."""

    def names(self) -> Sequence[str]:
        """Return the entries of this driver's configuration, the default one first."""

    def open(self, name: str, *, project: str | None, board: SharedStore, paces: Paces) -> driver.Cloud:
        """Return a new handle of a cloud, without a call to it. Raises CloudUnknown and CloudUnauthorized.

        Args:
            name: The entry of the configuration.
            project: Id of another project of the same cloud; None for the entry's own.
            board: What the processes of the deployment share about clouds.
            paces: How fast services are called, by all accounts of a cloud together.
        """


def installed(*, but: Collection[str] = ()) -> list[Driver]:
    """Return the drivers of all packages, except those whose entry point has one of the names."""
    points = sorted(metadata.entry_points(group=GROUP))
    return [point.load()() for point in points if point.name not in but]


def load(path: DriverPath) -> Driver:
    """Return the driver at a path.

    Raises:
        Invalid: No class is there, or it does not accept the arguments.
    """
    named = f"{path.module}:{path.name}"
    try:
        factory = getattr(importlib.import_module(path.module), path.name)
    except (ImportError, AttributeError) as exc:
        raise Invalid(f"{SETTING}: {named} cannot be imported: {exc}.") from exc
    try:
        loaded: Driver = factory(**path.arguments)
    except TypeError as exc:
        raise Invalid(f"{SETTING}: {named} cannot be used: {exc}.") from exc
    return loaded
