"""Section `secrets`: where secrets are kept."""

from pathlib import Path

from msgspec import Struct


class Settings(Struct, frozen=True, kw_only=True):
    """Where secrets are kept, such as user data and the passwords of new servers."""

    directory: Path | None = None
    """Directory of the encrypted files, the same for all processes. If not set, `secrets` in the data directory."""
