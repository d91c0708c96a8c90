"""Users and projects of a cloud beside the one that is used."""

from collections.abc import Sequence
from typing import Protocol

from enamel.clouds.methods.base import Methods
from enamel.model import cloud
from enamel.model.cloud_reference import CloudReference


class Projects(Methods, Protocol):
    """Users, projects, and what is in them. Capability PROJECTS.

    Every method raises CloudForbidden where that is for operators.
    """

    async def user(self, text: str) -> cloud.Account | None:
        """Return the user that has an id or a name, or None."""
        raise self.missing("user")

    async def project(self, text: str) -> cloud.Account | None:
        """Return the project that has an id or a name, or None."""
        raise self.missing("project")

    async def projects_of(self, user_id: str) -> Sequence[str]:
        """Return the ids of the projects in which a user has a role."""
        raise self.missing("projects_of")

    async def entry_of(self, project: str) -> CloudReference:
        """Return the reference to this cloud for another project. Raises CloudForbidden: no role there."""
        raise self.missing("entry_of")

    async def servers_of(self, project_id: str) -> Sequence[cloud.Server]:
        """Return the servers of any project."""
        raise self.missing("servers_of")
