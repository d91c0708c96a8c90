"""Users, projects, application credentials and tokens: the state of the sandbox's Keystone.

There are three users, each with a project of the same name: `demo`, `other` and `admin` (who is also admin in
the others' projects). All passwords are `secret`, and `demo` has an application credential `lab`.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from enamel.sandbox import core, kernel

PASSWORD = "secret"  # noqa: S105 - well known, like all of the sandbox
REGION = "RegionOne"
DOMAIN = {"id": "default", "name": "Default"}
MEMBER = ("reader", "member", "creator")
ADMIN = ("reader", "member", "creator", "manager", "admin")


class Unauthenticated(kernel.Refusal):
    """The request you have made requires authentication."""

    def __init__(self, root: str) -> None:
        """Name Keystone's URL in `WWW-Authenticate`."""
        super().__init__(
            401,
            "The request you have made requires authentication.",
            headers={"WWW-Authenticate": f'Keystone uri="{root}"'},
        )


class User(Struct, frozen=True, kw_only=True):
    """A user."""

    id: str
    """The user's id."""
    name: str
    """The name in the domain Default."""
    password: str
    """The password."""
    project_id: str
    """The default project."""


class Project(Struct, frozen=True, kw_only=True):
    """A project."""

    id: str
    """The project's id."""
    name: str
    """The name in the domain Default."""


class Credential(Struct, frozen=True, kw_only=True):
    """An application credential."""

    id: str
    """Its id."""
    name: str
    """Its name, unique for the user."""
    description: str | None
    """What it is for."""
    secret: str
    """Its secret."""
    user_id: str
    """The owner's user id."""
    project_id: str
    """The project it is valid for."""
    roles: tuple[str, ...]
    """Names of the roles it carries."""
    expires_at: datetime | None
    """When it stops working."""
    unrestricted: bool | None
    """Whether tokens made with it may manage application credentials."""


class Token(Struct, frozen=True, kw_only=True):
    """What Keystone knows of a token."""

    caller: kernel.Caller
    """Who sends it."""
    methods: tuple[str, ...]
    """The authentication methods."""
    issued_at: datetime
    """When it was made."""
    expires_at: datetime
    """When it stops working."""
    audit_id: str
    """A short public name of the token."""
    credential_id: str = ""
    """The application credential it was made with."""


class Identity:
    """The users, projects, credentials and tokens of a cloud."""

    def __init__(self, cloud: core.Core) -> None:
        """Create the users, projects, roles and the application credential every sandbox has."""
        self._cloud = cloud
        self.users: dict[str, User] = {}
        self.projects: dict[str, Project] = {}
        self.roles: dict[str, str] = {name: cloud.new_hex() for name in ADMIN}
        self.grants: dict[tuple[str, str], tuple[str, ...]] = {}
        self.credentials: dict[str, Credential] = {}
        self.tokens: dict[str, Token] = {}
        self.places = [(cloud.new_hex(), [cloud.new_hex() for _ in range(3)]) for _ in cloud.era.catalogue]
        for name in ("demo", "other", "admin"):
            project = Project(id=cloud.new_hex(), name=name)
            user = User(id=cloud.new_hex(), name=name, password=PASSWORD, project_id=project.id)
            self.projects[project.id] = project
            self.users[user.id] = user
            self.grants[user.id, project.id] = ADMIN if name == "admin" else MEMBER
        admin = self.user_named("admin")
        for project in self.projects.values():
            self.grants[admin.id, project.id] = ADMIN
        demo = self.user_named("demo")
        self.add_credential(demo, project_id=demo.project_id, name="lab", secret=PASSWORD, roles=MEMBER)

    def user_named(self, name: str) -> User:
        """Return the user of that name; KeyError when there is none."""
        for user in self.users.values():
            if user.name == name:
                return user
        raise KeyError(name)

    def project_named(self, name: str) -> Project:
        """Return the project of that name; KeyError when there is none."""
        for project in self.projects.values():
            if project.name == name:
                return project
        raise KeyError(name)

    def add_credential(
        self,
        user: User,
        *,
        project_id: str,
        name: str,
        secret: str | None = None,
        roles: Sequence[str] = (),
        description: str | None = None,
        expires_at: datetime | None = None,
        unrestricted: bool | None = None,
    ) -> Credential:
        """Create an application credential."""
        credential = Credential(
            id=self._cloud.new_hex(),
            name=name,
            description=description,
            secret=secret or self._random_text(64),
            user_id=user.id,
            project_id=project_id,
            roles=tuple(roles),
            expires_at=expires_at,
            unrestricted=unrestricted,
        )
        self.credentials[credential.id] = credential
        return credential

    def issue(
        self,
        user: User,
        *,
        project: Project | None,
        roles: Sequence[str],
        methods: Sequence[str],
        credential: Credential | None = None,
    ) -> Token:
        """Create a token."""
        caller = kernel.Caller(
            token="gAAAAAB" + self._random_text(130),
            user_id=user.id,
            user_name=user.name,
            project_id=project.id if project else "",
            project_name=project.name if project else "",
            roles=frozenset(roles),
        )
        now = self._cloud.now()
        token = Token(
            caller=caller,
            methods=tuple(methods),
            issued_at=now,
            expires_at=now + timedelta(seconds=self._cloud.settings.token_ttl),
            audit_id=self._random_text(16),
            credential_id=credential.id if credential else "",
        )
        self.tokens[caller.token] = token
        return token

    def token(self, token_id: str) -> Token | None:
        """Return the token when it is known and not expired."""
        token = self.tokens.get(token_id)
        if token is not None and token.expires_at <= self._cloud.now():
            del self.tokens[token_id]
            return None
        return token

    def caller(self, token_id: str) -> kernel.Caller:
        """Return the owner of a token, or refuse one that is missing, unknown or expired."""
        token = self.token(token_id)
        if token is None:
            raise Unauthenticated(f"{self._cloud.url}/identity")
        return token.caller

    def expire_tokens(self) -> int:
        """Expire all tokens and return their number."""
        expired = len(self.tokens)
        self.tokens.clear()
        return expired

    def revoke_credential(self, credential_id: str) -> None:
        """Delete an application credential and all tokens made with it."""
        del self.credentials[credential_id]
        self.tokens = {
            key: token for key, token in self.tokens.items() if token.credential_id != credential_id
        }

    def catalogue(self, project_id: str) -> list[dict[str, Any]]:
        """Return the catalogue as a project's tokens carry it."""
        return [
            {
                "id": service_id,
                "type": kind,
                "name": name,
                "endpoints": [
                    {
                        "id": endpoint_id,
                        "interface": interface,
                        "region_id": REGION,
                        "region": REGION,
                        "url": self._cloud.url + path.format(project=project_id),
                    }
                    for endpoint_id, interface in zip(
                        endpoint_ids, ("public", "internal", "admin"), strict=True
                    )
                ],
            }
            for (kind, name, path), (service_id, endpoint_ids) in zip(
                self._cloud.era.catalogue, self.places, strict=True
            )
        ]

    def _random_text(self, size: int) -> str:
        """Return that many random bytes as text that may stand in a URL."""
        return base64.urlsafe_b64encode(self._cloud.rng.randbytes(size)).decode().rstrip("=")


def word(refusal: kernel.Refusal) -> kernel.Reply:
    """Render a refusal the way Keystone does."""
    titles = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 409: "Conflict"}
    error = {
        "code": refusal.status,
        "message": refusal.message,
        "title": titles.get(refusal.status, "Internal Server Error"),
    }
    return kernel.Reply(status=refusal.status, body={"error": error}, headers=refusal.headers)
