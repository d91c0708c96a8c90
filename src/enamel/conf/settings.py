"""The settings of a process, from the command line, the environment and the INI files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct

from enamel.conf import option, source
from enamel.conf.api import Settings as Api
from enamel.conf.cache import Settings as Cache
from enamel.conf.clouds import Settings as Clouds
from enamel.conf.dispatch import Settings as Dispatch
from enamel.conf.health import Settings as Health
from enamel.conf.log import Settings as Log
from enamel.conf.orphans import Settings as Orphans
from enamel.conf.secrets import Settings as Secrets
from enamel.conf.source import Given
from enamel.conf.store import Settings as Store
from enamel.conf.webhooks import Settings as Webhooks
from enamel.conf.worker import Settings as Worker
from enamel.model import data_directory
from enamel.model.errors import Invalid

K = TypeVar("K")
V = TypeVar("V")


class Settings(Struct, frozen=True, kw_only=True):
    """All settings of a process."""

    data: Path
    """Data directory: holds the database, unless [store] url names another one, and local secrets."""
    cloud: str | None = None
    """The only entry of clouds.yaml to offer. None offers all entries."""
    store: Store = Store()
    dispatch: Dispatch = Dispatch()
    api: Api = Api()
    worker: Worker = Worker()
    health: Health = Health()
    clouds: Clouds = Clouds()
    cache: Cache = Cache()
    secrets: Secrets = Secrets()
    webhooks: Webhooks = Webhooks()
    orphans: Orphans = Orphans()
    log: Log = Log()

    @property
    def database(self) -> str:
        """The URL of the database."""
        return self.store.url or f"sqlite:///{self.data / 'enamel.db'}"

    @property
    def alone(self) -> bool:
        """Whether the database is a file that only one process can use."""
        return self.database.startswith("sqlite")

    @property
    def keys(self) -> Path:
        """The directory of the secrets."""
        return self.secrets.directory or self.data / "secrets"


def service(
    environ: Mapping[str, str],
    *,
    files: Sequence[Path] = (),
    host: str | None = None,
    port: int | None = None,
    types: str | None = None,
    max_tasks: int | None = None,
    log_level: str | None = None,
) -> Settings:
    """Return the settings of `enamel api`, `enamel worker` and the commands for operators.

    Args:
        environ: The environment.
        files: The INI files; later files override earlier ones.
        host: Address that the API listens on.
        port: Port that the API listens on; 0 chooses a free one.
        types: Types of tasks that the worker claims: patterns separated by commas.
        max_tasks: Most tasks of the worker at the same time.
        log_level: Lowest level that is logged.

    Raises:
        Invalid: Some settings are wrong; the error lists all of them.

    """
    options = {
        ("api", "host"): _given("--host", host),
        ("api", "port"): _given("--port", port),
        ("worker", "types"): _given("--types", types),
        ("worker", "max_tasks"): _given("--max-tasks", max_tasks),
        ("log", "level"): _given("--log-level", log_level),
    }
    values = source.read(environ, files=files, command_line=_set(options))
    return _settings(values, environ=environ, json=True, level="INFO")


def up(
    environ: Mapping[str, str],
    *,
    files: Sequence[Path] = (),
    data: Path | None = None,
    cloud: str | None = None,
    sandbox: bool = False,
    host: str | None = None,
    port: int | None = None,
    log_json: bool | None = None,
    log_level: str | None = None,
) -> Settings:
    """Return the settings of `enamel up`, which needs none.

    Args:
        environ: The environment.
        files: The INI files; later files override earlier ones.
        data: The data directory.
        cloud: The only entry of clouds.yaml to offer; None offers all entries.
        sandbox: Whether to use the built-in cloud even if other clouds are configured.
        host: Address that the API listens on.
        port: Port that the API listens on; 0 chooses a free one.
        log_json: Whether log lines are JSON.
        log_level: Lowest level that is logged.

    Raises:
        Invalid: Some settings are wrong; the error lists all of them.

    """
    if cloud and sandbox:
        raise Invalid("--cloud and --sandbox exclude each other.", remedy="Choose one of them.")
    options = {
        ("DEFAULT", "data"): _given("--data", data),
        ("clouds", "default"): _given("--cloud", "" if sandbox else cloud),
        ("clouds", "sandbox"): _given("--sandbox", "true" if sandbox else None),
        ("api", "host"): _given("--host", host),
        ("api", "port"): _given("--port", port),
        ("log", "json"): _given("--log-json", log_json),
        ("log", "level"): _given("--log-level", log_level),
    }
    values = source.read(environ, files=files, command_line=_set(options))
    return _settings(values, environ=environ, json=False, level="WARNING", cloud=None if sandbox else cloud)


def _given(option: str, value: object) -> Given | None:
    return None if value is None else Given(option, str(value))


def _settings(
    values: source.Values, *, environ: Mapping[str, str], json: bool, level: str, cloud: str | None = None
) -> Settings:
    """Return settings from the values that are set; all others have their defaults."""
    sections: dict[str, Any] = {**values, "log": {"json": json, "level": level, **_set(values["log"])}}
    data = sections.pop("DEFAULT").get("data") or data_directory.default(environ)
    built: dict[str, Any] = {name: option.SECTIONS[name](**values) for name, values in sections.items()}
    return Settings(data=data, cloud=cloud, **built)


def _set(values: Mapping[K, V | None]) -> dict[K, V]:
    """Return the values that are set."""
    return {key: value for key, value in values.items() if value is not None}
