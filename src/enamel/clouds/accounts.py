"""Accounts: on whose behalf a cloud is used. A party is the caller of a request, or the credential of a task.

Every use of a cloud begins here, so that nobody uses one on another party's behalf.
"""

from typing import Protocol

from enamel.clouds import driver
from enamel.model.caller import Caller
from enamel.model.cloud_reference import CloudReference
from enamel.model.credential import Credential

Party = Caller | Credential
"""On whose behalf a cloud is used."""


class Accounts(Protocol):
    """Gives each party its clouds."""

    def of(self, party: Party) -> driver.Clouds:
        """Return the clouds of a party, the default one first."""


def resolve(clouds: driver.Clouds, reference: CloudReference) -> driver.Cloud:
    """Return the cloud that a reference means. Raises CloudUnknown."""
    return clouds.get(reference.entry, project=reference.project)


class LocalAccounts:
    """The accounts of a service that has one user: all clouds of the configuration are theirs."""

    def __init__(self, clouds: driver.Clouds) -> None:
        self._clouds = clouds

    def of(self, party: Party) -> driver.Clouds:
        """Return the clouds of the configuration, whoever asks."""
        return self._clouds
