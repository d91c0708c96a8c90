"""Section `clouds`: which clouds tasks can work on."""

from pathlib import Path

from msgspec import Struct


class Settings(Struct, frozen=True, kw_only=True):
    """Which clouds tasks can work on. They stand in clouds.yaml, which OS_CLIENT_CONFIG_FILE can name."""

    default: str | None = None
    """The entry of clouds.yaml to use where a request names none. Without it, the only entry."""
    sandbox: bool = False
    """Whether `enamel up` starts the built-in cloud even where there is another."""
    placements: Path | None = None
    """A YAML file with containers over the clouds, their regions and zones."""
