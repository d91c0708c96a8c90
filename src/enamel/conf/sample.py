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
    return _file(lambda one: f"#{one.name} = {kind.shown(one.kind, one.default)}".rstrip(), told=True)


def shown(settings: Settings) -> str:
    """Return a file that has a process start with these settings, but for the passwords, which are blanked."""
    values = {
        "DEFAULT": {"data": settings.data},
        **{
            name: msgspec.structs.asdict(getattr(settings, name))
            for name in option.SECTIONS
            if name != "DEFAULT"
        },
    }
    return _file(lambda one: _line(one, values[one.section][one.name]), told=False)


def _line(one: Option, value: object) -> str:
    # A $ in the file stands for another setting unless there are two of them.
    text = kind.shown(one.kind, value).replace("$", "$$")
    return f"{one.name} = {text}" if text else f"#{one.name} ="


def _file(line: Callable[[Option], str], *, told: bool) -> str:
    parts = []
    for section, struct in option.SECTIONS.items():
        lines = [*(_comment(inspect.getdoc(struct) or "") if told else ()), f"[{section}]"]
        for one in option.options():
            if one.section == section:
                lines += [*(_told(one) if told else ()), line(one)]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _told(one: Option) -> list[str]:
    takes = f"{one.kind.word[0].upper()}{one.kind.word[1:]}; or the variable {' or '.join(one.variables)}."
    return ["", *_comment(one.sentence), *_comment(takes)]


def _comment(text: str) -> list[str]:
    return textwrap.wrap(" ".join(text.split()), _WIDTH, initial_indent="# ", subsequent_indent="# ")
