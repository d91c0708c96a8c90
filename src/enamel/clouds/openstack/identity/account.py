"""Users and projects, as Keystone knows them: read before something is shared with them or transferred to them."""

from collections.abc import Callable
from urllib.parse import quote

from msgspec import Struct, field

from enamel.clouds.methods import projects as methods
from enamel.clouds.openstack import service
from enamel.model import cloud
from enamel.model.cloud_reference import CloudReference
from enamel.model.errors import CloudForbidden, Gone

SERVICE = "identity"


class _Account(Struct):
    id: service.Id
    name: str = ""

    def neutral(self) -> cloud.Account:
        return cloud.Account(id=self.id, name=self.name)


class _User(Struct):
    user: _Account


class _Users(service.Page):
    users: list[_Account]
    links: service.Next = field(default_factory=service.Next)


class _Project(Struct):
    project: _Account


class _Projects(service.Page):
    projects: list[_Account]
    links: service.Next = field(default_factory=service.Next)


class Accounts(service.Service, methods.Projects):
    """The users and projects of a cloud."""

    sibling: Callable[[str], str | None]
    """Names the entry of the configuration that leads to another project of the same cloud."""

    async def identity(self) -> cloud.Identity:
        """Return the user, project and roles of these credentials."""
        return (await self.keystone.access()).identity

    async def user(self, text: str) -> cloud.Account | None:
        """Return the user that has an id or a name, or None."""
        try:
            return (await self._get(SERVICE, f"/users/{quote(text, safe='')}", answer=_User)).user.neutral()
        except Gone:
            return await self._account_named("/users", text, answer=_Users)

    async def project(self, text: str) -> cloud.Account | None:
        """Return the project that has an id or a name, or None."""
        try:
            reply = await self._get(SERVICE, f"/projects/{quote(text, safe='')}", answer=_Project)
            return reply.project.neutral()
        except Gone:
            return await self._account_named("/projects", text, answer=_Projects)

    async def projects_of(self, user_id: str) -> tuple[str, ...]:
        """Return the ids of the projects in which a user has a role."""
        path = f"/users/{quote(user_id, safe='')}/projects"
        projects, _ = await self._pages(SERVICE, path, answer=_Projects)
        return tuple(sorted(entry.id for entry in projects))

    async def own_projects(self) -> tuple[cloud.Account, ...]:
        """Return the projects in which we have a role."""
        projects, _ = await self._pages(SERVICE, "/auth/projects", answer=_Projects)
        return tuple(entry.neutral() for entry in projects)

    async def _account_named(self, path: str, name: str, *, answer: type[service.P]) -> cloud.Account | None:
        """Return the first of a list that has a name, or None."""
        accounts, _ = await self._pages(SERVICE, path, answer=answer, params=(("name", name),))
        # A Keystone that does not know the filter shows all.
        return next((account.neutral() for account in accounts if account.name == name), None)

    async def entry_of(self, project: str) -> CloudReference:
        """Return the reference to this cloud for another project.

        It is this entry with the project's id, if the account has a role in the project, or another entry of the same
        cloud.

        Raises:
            CloudForbidden: There is neither.
        """
        mine = await self.own_projects() if self.keystone.rescopes else ()
        own = next((account for account in mine if project in (account.id, account.name)), None)
        if own is not None:
            return CloudReference(entry=self.name, project=own.id)
        other = self.sibling(project)
        if other is None:
            raise CloudForbidden(
                f"These credentials give no role in project '{project[:64]}' of cloud {self.name}"
                + ("." if self.keystone.rescopes else ": application credentials are bound to one project."),
                cloud=self.name,
                remedy="Get a role there, or add an entry for that project to clouds.yaml.",
            )
        return CloudReference(entry=other)
