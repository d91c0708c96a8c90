"""The shares of a server type: which users and projects can use a private one.

Clouds know of projects only. Where a type is shared with a user, the cloud lets the projects in which the user has
a role see it, and Enamel lets nobody else there use it: those projects are its guests.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence

from enamel.clouds import driver
from enamel.model import cloud
from enamel.model.errors import Fault, Gone, Invalid, NotFound
from enamel.model.server_type import Shares
from enamel.service.access import role
from enamel.service.resources import server_type
from enamel.service.resources.server_type import ServerTypes


class TypeShares:
    """Shares server types, for those who may."""

    def __init__(self, types: ServerTypes) -> None:
        self._types = types

    async def of(self, text: str) -> Shares:
        """Return whom a server type is shared with.

        Raises:
            NotFound: There is no such server type.
            Forbidden: The caller lacks the role.

        """
        return server_type.shares(await self._whole(text))

    async def put(self, text: str, wanted: Shares) -> Shares:
        """Share a server type with just these users and projects, and return their ids.

        Raises:
            NotFound: There is no such server type.
            Forbidden: The caller lacks the role.
            Invalid: A user or project does not exist, or the type is everyone's.

        """
        found = await self._private(text)
        where = self._types.where()
        users, of_users = await _known(wanted.users, where.user, what="user", pointer="/users")
        projects, of_projects = await _known(
            wanted.projects, where.project, what="project", pointer="/projects"
        )
        if faults := (*of_users, *of_projects):
            raise Invalid(" ".join(one.detail for one in faults), faults=faults)
        return await self._share(found, users=users, projects=projects)

    async def add(self, text: str, *, user: str | None = None, project: str | None = None) -> None:
        """Share a server type with one more user or project. Raises as `put` does."""
        found = await self._private(text)
        have, where = server_type.shares(found), self._types.where()
        new_users, of_users = await _known([user] if user else [], where.user, what="user", pointer="")
        new_projects, of_projects = await _known(
            [project] if project else [], where.project, what="project", pointer=""
        )
        if faults := (*of_users, *of_projects):
            raise Invalid(faults[0].detail, faults=faults)
        await self._share(
            found,
            users=list(dict.fromkeys([*have.users, *new_users])),
            projects=list(dict.fromkeys([*have.projects, *new_projects])),
        )

    async def remove(self, text: str, *, user: str | None = None, project: str | None = None) -> None:
        """Share a server type no longer with a user or project.

        Raises:
            NotFound: There is no such server type, or it is not shared with them.
            Forbidden: The caller lacks the role.

        """
        found = await self._private(text)
        have, where = server_type.shares(found), self._types.where()
        leaving, ask = (user, where.user) if user else (project or "", where.project)
        # Who is gone from the cloud can still be named by the id that stands here.
        known = await role.needed(ask(leaving))
        ids = {leaving} | ({known.id} if known else set())
        if not ids & set(have.users if user else have.projects):
            raise NotFound(f"Server type '{found.name}' is not shared with '{leaving[:64]}'.")
        await self._share(
            found,
            users=[one for one in have.users if not user or one not in ids],
            projects=[one for one in have.projects if user or one not in ids],
        )

    async def clear(self, text: str) -> None:
        """Share a server type with nobody. Raises NotFound and Forbidden."""
        await self._share(await self._private(text), users=(), projects=())

    async def _whole(self, text: str) -> cloud.Flavor:
        found = await self._types.find(text)
        deed = self._types.where().flavor(found.id)
        return await role.needed(deed, what="Knowing and changing whom server types are shared with")

    async def _private(self, text: str) -> cloud.Flavor:
        found = await self._whole(text)
        if found.public:
            detail = f"Server type '{found.name}' is PUBLIC: everyone can use it already."
            raise Invalid(detail, faults=(Fault(pointer="", detail=detail, code="public"),))
        return found

    async def _share(self, found: cloud.Flavor, *, users: Sequence[str], projects: Sequence[str]) -> Shares:
        """Bring a flavor's access and marks to what is wanted; at no moment can more people use it than are to."""
        where, marks = self._types.where(), found.marks
        theirs = await asyncio.gather(*(_projects_of(where, user) for user in users))
        full = {*projects, *([marks.owner] if marks.owner else [])}
        guests = {project for mine in theirs for project in mine} - full
        access = full | guests
        for project in set(found.projects) - access:
            await role.needed(where.unshare_flavor(found.id, project_id=project))
        add = cloud.FlavorMarks(users=_less(users, marks.users), guests=_less(sorted(guests), marks.guests))
        await role.needed(where.add_flavor_marks(found.id, add))
        for project in access - set(found.projects):
            await role.needed(where.share_flavor(found.id, project_id=project))
        drop = cloud.FlavorMarks(users=_less(marks.users, users), guests=_less(marks.guests, guests))
        await role.needed(where.drop_flavor_marks(found.id, drop))
        return Shares(users=tuple(sorted(users)), projects=tuple(sorted(projects)))


async def _projects_of(where: driver.Cloud, user: str) -> Sequence[str]:
    try:
        return await role.needed(where.projects_of(user))
    except Gone:
        # Somebody who has left the cloud is in none.
        return ()


async def _known(
    texts: Sequence[str],
    ask: Callable[[str], Awaitable[cloud.Account | None]],
    *,
    what: str,
    pointer: str,
) -> tuple[list[str], list[Fault]]:
    """Return the ids of users or projects, and a fault for each that does not exist."""
    found = await asyncio.gather(*(role.needed(ask(text)) for text in texts))
    faults = [
        Fault(
            pointer=pointer and f"{pointer}/{number}",
            detail=f"There is no {what} '{text[:64]}'.",
            code="unknown",
        )
        for number, (text, one) in enumerate(zip(texts, found, strict=True))
        if one is None
    ]
    return list(dict.fromkeys(one.id for one in found if one is not None)), faults


def _less(these: Collection[str], those: Collection[str]) -> tuple[str, ...]:
    return tuple(one for one in these if one not in those)
