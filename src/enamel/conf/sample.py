"""The sample file, and the settings in force as such a file."""

import inspect
import textwrap
from collections.abc import Callable

import msgspec

from enamel.conf import kind, option
from enamel.conf.option import Option
from enamel.conf.settings import Settings

_WIDTH = 100


def sample() -> str:
    """Return a file that sets nothing, with every setting, its meaning and its default in comments."""
    return _file(
        lambda setting: f"#{setting.name} = {kind.shown(setting.kind, setting.default)}".rstrip(),
        comments=True,
    )


def shown(settings: Settings) -> str:
    """Return a file that sets exactly these settings, with passwords blanked."""
    values = {
        "DEFAULT": {"data": settings.data},
        **{
            name: msgspec.structs.asdict(getattr(settings, name))
            for name in option.SECTIONS
            if name != "DEFAULT"
        },
    }
    return _file(lambda setting: _line(setting, values[setting.section][setting.name]), comments=False)


def _line(setting: Option, value: object) -> str:
    # A single $ in the file refers to another setting.
    text = kind.shown(setting.kind, value).replace("$", "$$")
    return f"{setting.name} = {text}" if text else f"#{setting.name} ="


def _file(line: Callable[[Option], str], *, comments: bool) -> str:
    parts = []
    for section, struct in option.SECTIONS.items():
        lines = [*(_comment(inspect.getdoc(struct) or "") if comments else ()), f"[{section}]"]
        for setting in option.options():
            if setting.section == section:
                lines += [*(_explained(setting) if comments else ()), line(setting)]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _explained(setting: Option) -> list[str]:
    """Return the comment above a setting: its meaning, its kind of value, its environment variables."""
    word = setting.kind.word
    accepts = f"{word[0].upper()}{word[1:]}; or the variable {' or '.join(setting.variables)}."
    return ["", *_comment(setting.sentence), *_comment(accepts)]


def _comment(text: str) -> list[str]:
    return textwrap.wrap(" ".join(text.split()), _WIDTH, initial_indent="# ", subsequent_indent="# ")
