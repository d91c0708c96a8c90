"""Section `clouds`: the clouds that tasks work on."""

from pathlib import Path

from msgspec import Struct

from enamel.model.ceiling import Ceilings
from enamel.model.driver_path import DriverPath


class Settings(Struct, frozen=True, kw_only=True):
    """The clouds that tasks work on. They are the entries of clouds.yaml, which OS_CLIENT_CONFIG_FILE can name."""

    default: str | None = None
    """Entry of clouds.yaml for requests that name no cloud. If not set, the first entry."""
    drivers: tuple[DriverPath, ...] = ()
    """Drivers in addition to the installed ones: paths of classes, each followed by its arguments, such as
    `package.module:Class region=north, other.module:Class`."""
    sandbox: bool = False
    """Whether `enamel up` starts the built-in cloud even if other clouds are configured."""
    placements: Path | None = None
    """YAML file with containers: named groups of clouds, regions and zones."""
    max_concurrent_calls: Ceilings = Ceilings(everywhere=32)
    """Most calls to one service of a cloud at the same time, from all processes together. A service that shows signs of
    overload gets fewer. `32, north=16, north/network=8` sets it for all clouds, one cloud and one service."""
    max_calls_per_second: Ceilings = Ceilings()
    """Most calls to one service per second, written in the same way. If not set, only a service that shows signs of
    overload is limited."""
