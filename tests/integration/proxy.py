"""A proxy for the tests, before some API processes, set up as the examples under deploy/ say."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from tests.integration.services.daemon import HOST, Daemon

EXAMPLES = Path(__file__).resolve().parents[2] / "deploy"


class Proxy(Daemon):
    """A proxy, of which a test knows where clients find it."""

    places: ClassVar[tuple[str, ...]] = ("/usr/sbin",)

    def __init__(self, directory: Path, *, behind: Sequence[int]) -> None:
        super().__init__(directory)
        self._behind = behind

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"http://{HOST}:{self.port}"

    def ready(self) -> bool:
        """Tell whether it listens."""
        return self.answers()
