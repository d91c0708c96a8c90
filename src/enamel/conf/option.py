"""The options of the INI file: one for each field of a section's Struct, with the field's sentence as its help."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from oslo_config import cfg

from enamel.conf import kind
from enamel.conf.api import Settings as Api
from enamel.conf.cache import Settings as Cache
from enamel.conf.clouds import Settings as Clouds
from enamel.conf.dispatch import Settings as Dispatch
from enamel.conf.health import Settings as Health
from enamel.conf.kind import Kind
from enamel.conf.log import Settings as Log
from enamel.conf.orphans import Settings as Orphans
from enamel.conf.secrets import Settings as Secrets
from enamel.conf.store import Settings as Store
from enamel.conf.webhooks import Settings as Webhooks
from enamel.conf.worker import Settings as Worker
from enamel.model import field_docs


class Everywhere(Struct, frozen=True, kw_only=True):
    """What every part of Enamel uses."""

    data: Path | None = None
    """Data directory: holds the database, unless [store] url names another one, and local secrets. If not set,
    ~/.local/share/enamel."""


SECTIONS: dict[str, type[Struct]] = {
    "DEFAULT": Everywhere,
    "store": Store,
    "dispatch": Dispatch,
    "api": Api,
    "worker": Worker,
    "health": Health,
    "clouds": Clouds,
    "cache": Cache,
    "secrets": Secrets,
    "webhooks": Webhooks,
    "orphans": Orphans,
    "log": Log,
}
"""Every section of the file, in the order of the sample."""
_SHORT = {
    ("DEFAULT", "data"): "ENAMEL_DATA",
    ("clouds", "default"): "OS_CLOUD",
    ("log", "json"): "ENAMEL_LOG_JSON",
    ("log", "level"): "ENAMEL_LOG_LEVEL",
}
"""Short names of variables, which people know from other tools or can remember."""


class Option(Struct, frozen=True, kw_only=True):
    """One line of the file."""

    section: str
    name: str
    kind: Kind
    default: Any
    sentence: str

    @property
    def key(self) -> tuple[str, str]:
        """The section and the name."""
        return self.section, self.name

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables that override the file, in order of precedence."""
        short = _SHORT.get(self.key)
        return f"OS_{self.section.upper()}__{self.name.upper()}", *([short] if short else [])


def options() -> Iterator[Option]:
    """Yield every option."""
    for section, struct in SECTIONS.items():
        sentences = field_docs.of(struct)
        for field in msgspec.structs.fields(struct):
            yield Option(
                section=section,
                name=field.name,
                kind=kind.of(field.type),
                default=field.default,
                sentence=sentences[field.name],
            )


def registered(option: Option) -> cfg.Opt:
    """Return an option as oslo.config knows it."""
    return cfg.Opt(
        option.name,
        type=option.kind.read,  # type: ignore[arg-type]  # oslo.config accepts any callable
        help=option.sentence,
        secret=option.kind.secret,
        sample_default=kind.shown(option.kind, option.default),
    )


def listed() -> list[tuple[str, list[cfg.Opt]]]:
    """Return all options for oslo-config-generator and the deployment tools built on it."""
    return [
        (section, [registered(option) for option in options() if option.section == section])
        for section in SECTIONS
    ]
