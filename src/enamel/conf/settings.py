"""The settings of a process: what the command line, the environment and the INI file say."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from enamel.conf import source
from enamel.conf.api import Settings as Api
from enamel.conf.cache import Settings as Cache
from enamel.conf.clouds import Settings as Clouds
from enamel.conf.dispatch import Settings as Dispatch
from enamel.conf.health import Settings as Health
from enamel.conf.log import Settings as Log
from enamel.conf.orphans import Settings as Orphans
from enamel.conf.secrets import Settings as Secrets
from enamel.conf.source import Word
from enamel.conf.store import Settings as Store
from enamel.conf.webhooks import Settings as Webhooks
from enamel.conf.worker import Settings as Worker
from enamel.model.errors import Invalid


class Settings(Struct, frozen=True, kw_only=True):
    """Everything a process is told when it starts."""

    data: Path
    """The directory of what is kept: the database where none is named, and local secrets."""
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
        """Whether only one process can work on the database."""
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
    """Return the settings of `enamel api`, `enamel worker` and of what operators run beside them.

    Args:
        environ: The environment.
        files: The INI files; a later one goes before an earlier one.
        host: Where the API listens.
        port: Its port; 0 takes a free one.
        types: The types of tasks that the worker takes: patterns with commas between.
        max_tasks: How many it has at a time.
        log_level: The least level that is logged.

    Raises:
        Invalid: A setting has no meaning; every fault is told.

    """
    words = {
        ("api", "host"): _word("--host", host),
        ("api", "port"): _word("--port", port),
        ("worker", "types"): _word("--types", types),
        ("worker", "max_tasks"): _word("--max_tasks", max_tasks),
        ("log", "level"): _word("--log-level", log_level),
    }
    return _settings(
        source.read(environ, files=files, words=_said(words)), environ=environ, json=True, level="INFO"
    )


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
        files: The INI files; a later one goes before an earlier one.
        data: The directory of what is kept.
        cloud: The entry of clouds.yaml to use.
        sandbox: Whether to use the built-in cloud, whatever else is named.
        host: Where the API listens.
        port: Its port; 0 takes a free one.
        log_json: Whether log lines are JSON.
        log_level: The least level that is logged.

    Raises:
        Invalid: A setting has no meaning; every fault is told.

    """
    if cloud and sandbox:
        raise Invalid("Choose one: --cloud or --sandbox.")
    words = {
        ("DEFAULT", "data"): _word("--data", data),
        ("clouds", "default"): _word("--cloud", "" if sandbox else cloud),
        ("clouds", "sandbox"): _word("--sandbox", "true" if sandbox else None),
        ("api", "host"): _word("--host", host),
        ("api", "port"): _word("--port", port),
        ("log", "json"): _word("--log-json", log_json),
        ("log", "level"): _word("--log-level", log_level),
    }
    return _settings(
        source.read(environ, files=files, words=_said(words)), environ=environ, json=False, level="WARNING"
    )


def _word(flag: str, value: object) -> Word | None:
    return None if value is None else Word(flag, str(value))


def _said(words: Mapping[tuple[str, str], Word | None]) -> source.Words:
    return {key: word for key, word in words.items() if word is not None}


def _settings(values: source.Values, *, environ: Mapping[str, str], json: bool, level: str) -> Settings:
    """Return settings from what is set; the rest is as the sections have it."""
    told: dict[str, Any] = {**values, "log": {"json": json, "level": level, **_set(values["log"].items())}}
    sections = {
        field.name: field.type(**told[field.name])
        for field in msgspec.structs.fields(Settings)
        if field.name in told
    }
    return Settings(data=values["DEFAULT"].get("data") or _data(environ), **sections)


def _set(values: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in values if value is not None}


def _data(environ: Mapping[str, str]) -> Path:
    home = environ.get("XDG_DATA_HOME")
    return ((Path(home) if home else Path("~/.local/share")) / "enamel").expanduser().absolute()
