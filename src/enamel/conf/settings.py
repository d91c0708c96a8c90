"""The settings of a process: what its options and its environment say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from enamel.conf.api import Settings as Api
from enamel.conf.clouds import Settings as Clouds
from enamel.conf.log import Settings as Log
from enamel.conf.store import Settings as Store
from enamel.conf.worker import Settings as Worker
from enamel.model import topic
from enamel.model.errors import Fault, Invalid

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class Settings(Struct, frozen=True, kw_only=True):
    """Everything a process is told when it starts."""

    data: Path
    """The directory of what is kept: the database where none is named, and local secrets."""
    store: Store
    worker: Worker = Worker()
    api: Api = Api()
    clouds: Clouds = Clouds()
    log: Log = Log()


def up(
    environ: Mapping[str, str],
    *,
    data: Path | None = None,
    cloud: str | None = None,
    sandbox: bool = False,
    host: str = "127.0.0.1",
    port: int = 8780,
    topics: Sequence[str] = (),
    log_json: bool | None = None,
    log_level: str | None = None,
) -> Settings:
    """Return the settings of `enamel up` from its options and the environment; an option goes before a variable.

    Args:
        environ: The environment: OS_CLOUD, ENAMEL_DATA, ENAMEL_LOG_JSON, ENAMEL_LOG_LEVEL and XDG_DATA_HOME count.
        data: The directory of what is kept.
        cloud: The entry of clouds.yaml to use.
        sandbox: Whether to use the built-in cloud, whatever the environment names.
        host: Where the API listens.
        port: Its port; 0 takes a free one.
        topics: Patterns of the types of tasks that the worker takes; none for all.
        log_json: Whether log lines are JSON.
        log_level: The least level that is logged.

    Raises:
        Invalid: An option has no meaning.

    """
    faults: list[Fault] = []
    named = cloud or (None if sandbox else environ.get("OS_CLOUD"))
    if cloud and sandbox:
        faults.append(Fault(pointer="--cloud", detail="Choose one: --cloud or --sandbox."))
    if not 0 <= port <= 65535:
        faults.append(Fault(pointer="--port", detail=f"{port} is not a port: choose 0 to 65535."))
    level = (log_level or environ.get("ENAMEL_LOG_LEVEL") or "INFO").upper()
    if level not in _LEVELS:
        faults.append(Fault(pointer="--log-level", detail=f"'{level}' is none of {', '.join(_LEVELS)}."))
    served = topic.ALL
    try:
        served = topic.parse(topics)
    except ValueError as error:
        faults.append(Fault(pointer="--topic", detail=f"{error}."))
    if faults:
        raise Invalid(" ".join(fault.detail for fault in faults), faults=tuple(faults))
    place = (data or _data(environ)).expanduser().absolute()
    in_json = environ.get("ENAMEL_LOG_JSON", "").lower() in {"1", "true", "yes", "on"}
    return Settings(
        data=place,
        store=Store(url=f"sqlite:///{place / 'enamel.db'}"),
        worker=Worker(topics=served),
        api=Api(host=host, port=port),
        clouds=Clouds(default=named, sandbox=sandbox),
        log=Log(json=in_json if log_json is None else log_json, level=level),
    )


def _data(environ: Mapping[str, str]) -> Path:
    if named := environ.get("ENAMEL_DATA"):
        return Path(named)
    home = environ.get("XDG_DATA_HOME")
    return (Path(home) if home else Path("~/.local/share")) / "enamel"
