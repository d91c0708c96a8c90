"""Section `clouds`: which clouds tasks can work on."""

from pathlib import Path

from msgspec import Struct

from enamel.model.ceiling import Ceilings


class Settings(Struct, frozen=True, kw_only=True):
    """Which clouds tasks can work on. They stand in clouds.yaml, which OS_CLIENT_CONFIG_FILE can name."""

    default: str | None = None
    """The entry of clouds.yaml to use where a request names none. Without it, the only entry."""
    sandbox: bool = False
    """Whether `enamel up` starts the built-in cloud even where there is another."""
    placements: Path | None = None
    """A YAML file with containers over the clouds, their regions and zones."""
    max_concurrent_calls: Ceilings = Ceilings(everywhere=32)
    """How many calls to one service of a cloud may be under way at the same time, from all processes together; a
    service that shows that this is too much gets fewer. `32, north=16, north/network=8` names clouds and services."""
    max_calls_per_second: Ceilings = Ceilings()
    """How many calls to one service may begin in a second, written likewise. Without it, as many as go well."""
