"""The shares of a server type: which users and projects can use a private one.

Clouds know of projects only. Where a type is shared with a user, the cloud lets the projects in which the user has
a role see it, and Enamel lets nobody else in them use it: those projects are its guests.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any

from enamel.clouds import driver
from enamel.model import cloud as cloud_model
from enamel.model.call_context import CallContext
from enamel.model.errors import Fault, Gone, Invalid, NotFound
from enamel.model.server_type import Shares
from enamel.service.access import policy
from enamel.service.access.clouds import CallerClouds
from enamel.service.access.policy import requires_admin
from enamel.service.resources import flavors, server_type
from enamel.service.validation import body


class TypeShares:
    """Shares server types, for those who may."""

    def __init__(self, clouds: CallerClouds) -> None:
        self._clouds = clouds

    async def get(self, ctx: CallContext, text: str, *, cloud: str | None = None) -> Shares:
        """Return whom a server type is shared with.

        Raises:
            NotFound: There is no such server type.
            Forbidden: The caller lacks the role.
        """
        policy.enforce(ctx, "enamel:server_type:list_shares")
        return server_type.shares(await _whole(self._clouds.chosen(ctx, cloud), text))

    async def set(self, ctx: CallContext, text: str, data: Any, *, cloud: str | None = None) -> Shares:
        """Share a server type with exactly these users and projects, and return their ids.

        Raises:
            NotFound: There is no such server type.
            Forbidden: The caller lacks the role.
            Invalid: The body has faults, a user or project does not exist, or the type is public.
        """
        policy.enforce(ctx, "enamel:server_type:share")
        request = body.read(data, Shares)
        account = self._clouds.chosen(ctx, cloud)
        flavor = await _private(account, text)
        users, of_users = await _known(request.users, account.user, what="user", pointer="/users")
        projects, of_projects = await _known(
            request.projects, account.project, what="project", pointer="/projects"
        )
        if faults := (*of_users, *of_projects):
            raise Invalid(" ".join(fault.detail for fault in faults), faults=faults)
        return await _share(account, flavor, users=users, projects=projects)

    async def add(
        self,
        ctx: CallContext,
        text: str,
        *,
        user: str | None = None,
        project: str | None = None,
        cloud: str | None = None,
    ) -> None:
        """Share a server type with one more user or project. Raises as `set` does."""
        policy.enforce(ctx, "enamel:server_type:share")
        account = self._clouds.chosen(ctx, cloud)
        flavor = await _private(account, text)
        present = server_type.shares(flavor)
        users, of_users = await _known([user] if user else [], account.user, what="user", pointer="")
        projects, of_projects = await _known(
            [project] if project else [], account.project, what="project", pointer=""
        )
        if faults := (*of_users, *of_projects):
            raise Invalid(faults[0].detail, faults=faults)
        await _share(
            account,
            flavor,
            users=list(dict.fromkeys([*present.users, *users])),
            projects=list(dict.fromkeys([*present.projects, *projects])),
        )

    async def remove(
        self,
        ctx: CallContext,
        text: str,
        *,
        user: str | None = None,
        project: str | None = None,
        cloud: str | None = None,
    ) -> None:
        """Stop sharing a server type with a user or project.

        Raises:
            NotFound: There is no such server type, or it is not shared with them.
            Forbidden: The caller lacks the role.
        """
        policy.enforce(ctx, "enamel:server_type:share")
        account = self._clouds.chosen(ctx, cloud)
        flavor = await _private(account, text)
        present = server_type.shares(flavor)
        leaving, ask = (user, account.user) if user else (project or "", account.project)
        # Whoever the cloud has deleted can still be named by id.
        known = await requires_admin(ask(leaving))
        ids = {leaving} | ({known.id} if known else set())
        if not ids & set(present.users if user else present.projects):
            raise NotFound(f"Server type '{flavor.name}' is not shared with '{leaving[:64]}'.")
        await _share(
            account,
            flavor,
            users=[id for id in present.users if not user or id not in ids],
            projects=[id for id in present.projects if user or id not in ids],
        )

    async def clear(self, ctx: CallContext, text: str, *, cloud: str | None = None) -> None:
        """Stop sharing a server type with anybody. Raises NotFound and Forbidden."""
        policy.enforce(ctx, "enamel:server_type:share")
        account = self._clouds.chosen(ctx, cloud)
        await _share(account, await _private(account, text), users=(), projects=())


async def _whole(account: driver.Cloud, text: str) -> cloud_model.Flavor:
    flavor = await flavors.find(account, text)
    what = "Showing and changing whom server types are shared with"
    return await requires_admin(account.flavor(flavor.id), what=what)


async def _private(account: driver.Cloud, text: str) -> cloud_model.Flavor:
    flavor = await _whole(account, text)
    if flavor.public:
        detail = f"Server type '{flavor.name}' is PUBLIC: everyone can use it already."
        raise Invalid(detail, faults=(Fault(pointer="", detail=detail, code="public"),))
    return flavor


async def _share(
    account: driver.Cloud, flavor: cloud_model.Flavor, *, users: Sequence[str], projects: Sequence[str]
) -> Shares:
    """Set a flavor's access and marks; at no moment can more people use it than before and afterwards."""
    marks = flavor.marks
    memberships = await asyncio.gather(*(_projects_of(account, user) for user in users))
    full = {*projects, *([marks.owner] if marks.owner else [])}
    guests = {project for membership in memberships for project in membership} - full
    access = full | guests
    for project in set(flavor.projects) - access:
        await requires_admin(account.unshare_flavor(flavor.id, project_id=project))
    new = cloud_model.FlavorMarks(users=_less(users, marks.users), guests=_less(sorted(guests), marks.guests))
    await requires_admin(account.add_flavor_marks(flavor.id, new))
    for project in access - set(flavor.projects):
        await requires_admin(account.share_flavor(flavor.id, project_id=project))
    surplus = cloud_model.FlavorMarks(users=_less(marks.users, users), guests=_less(marks.guests, guests))
    await requires_admin(account.drop_flavor_marks(flavor.id, surplus))
    return Shares(users=tuple(sorted(users)), projects=tuple(sorted(projects)))


async def _projects_of(account: driver.Cloud, user: str) -> Sequence[str]:
    try:
        return await requires_admin(account.projects_of(user))
    except Gone:
        # Somebody who has left the cloud is in none.
        return ()


async def _known(
    texts: Sequence[str],
    ask: Callable[[str], Awaitable[cloud_model.Account | None]],
    *,
    what: str,
    pointer: str,
) -> tuple[list[str], list[Fault]]:
    """Return the ids of users or projects, and a fault for each that does not exist."""
    accounts = await asyncio.gather(*(requires_admin(ask(text)) for text in texts))
    faults = [
        Fault(
            pointer=pointer and f"{pointer}/{number}",
            detail=f"There is no {what} '{text[:64]}'.",
            code="unknown",
        )
        for number, (text, account) in enumerate(zip(texts, accounts, strict=True))
        if account is None
    ]
    return list(dict.fromkeys(account.id for account in accounts if account is not None)), faults


def _less(words: Collection[str], others: Collection[str]) -> tuple[str, ...]:
    return tuple(word for word in words if word not in others)
