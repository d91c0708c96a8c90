"""Where settings come from: the command line overrides the environment, which overrides the INI files."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from oslo_config import cfg

from enamel.conf import option, renamed
from enamel.conf.option import Option
from enamel.model import secret_url
from enamel.model.errors import Fault, Invalid

DEFAULT_FILES = ("/etc/enamel/enamel.conf", "~/.config/enamel.conf")
"""The files that are read if none is named; later files override earlier ones."""

Values = dict[str, dict[str, Any]]
"""What is set, by section and name."""


class Given(Struct, frozen=True):
    """A text that overrides the INI files, and where it comes from."""

    origin: str
    """The option of the command line, such as `--port`, or the environment variable."""
    text: str


CommandLine = Mapping[tuple[str, str], Given]
"""What the command line sets, by section and name."""


def default_files() -> list[Path]:
    """Return the default files that exist."""
    return [path for name in DEFAULT_FILES if (path := Path(name).expanduser()).is_file()]


def read(
    environ: Mapping[str, str], *, files: Sequence[Path] = (), command_line: CommandLine | None = None
) -> Values:
    """Return everything that is set.

    Args:
        environ: The environment, with variables such as OS_API__PORT.
        files: The INI files; later files override earlier ones.
        command_line: What the command line sets.

    Raises:
        Invalid: Some settings are wrong; the error lists all of them.

    """
    known = list(option.options())
    loaded = _load(known, files)
    faults = [*_unknown_lines(known, files), *_unknown_variables(known, environ)]
    values: Values = {section: {} for section in option.SECTIONS}
    for setting in known:
        place = f"[{setting.section}] {setting.name}"
        try:
            if given := _override(setting, environ, command_line or {}):
                place = given.origin
                values[setting.section][setting.name] = setting.kind.read(given.text)
            elif _is_in_file(setting, loaded):
                lines = loaded if setting.section == "DEFAULT" else loaded[setting.section]
                values[setting.section][setting.name] = lines[setting.name]
        except (cfg.TemplateSubstitutionError, cfg.NoSuchOptError):
            detail = f"{place}: the $ in the value does not name another setting. Write $$ for a literal $."
            faults.append(Fault(pointer=place, detail=detail))
        except ValueError as error:
            # oslo.config wraps our sentence in one of its own, which names no section.
            sentence = str(error.__cause__ or error.__context__ or error).rstrip(".")
            faults.append(Fault(pointer=place, detail=secret_url.blank(f"{place}: {sentence}.")))
    if faults:
        raise Invalid(" ".join(fault.detail for fault in faults), faults=tuple(faults), remedy=_REMEDY)
    return values


_REMEDY = "`enamel conf sample` lists every setting with its meaning."


def _load(known: Iterable[Option], files: Iterable[Path]) -> cfg.ConfigOpts:
    """Return the lines of the files.

    Raises:
        Invalid: A file cannot be read.

    """
    loaded = cfg.ConfigOpts()
    for setting in known:
        loaded.register_opt(option.registered(setting), group=_group(setting))
    try:
        # `read` reads the environment, so that a text means the same there as in a file.
        loaded([], project="enamel", default_config_files=[str(file) for file in files], use_env=False)
    except cfg.ConfigFilesNotFoundError as error:
        raise _unreadable("No such file:", error.config_files) from error
    except cfg.ConfigFilesPermissionDeniedError as error:
        raise _unreadable("Permission denied:", error.config_files) from error
    except (cfg.ConfigFileParseError, UnicodeDecodeError, OSError) as error:
        detail = secret_url.blank(f"The configuration cannot be read: {error}.")
        raise Invalid(detail, remedy=_REMEDY) from error
    return loaded


def _unreadable(reason: str, files: Iterable[str]) -> Invalid:
    return Invalid(f"{reason} {', '.join(files)}.", remedy="Name the configuration with --config-file.")


def _group(setting: Option) -> str | None:
    return None if setting.section == "DEFAULT" else setting.section


def _is_in_file(setting: Option, loaded: cfg.ConfigOpts) -> bool:
    location = loaded.get_location(setting.name, _group(setting))
    return location is not None and location.location is cfg.Locations.user


def _override(setting: Option, environ: Mapping[str, str], command_line: CommandLine) -> Given | None:
    """Return what overrides the files, or None."""
    if setting.key in command_line:
        return command_line[setting.key]
    return next((Given(name, environ[name]) for name in setting.variables if environ.get(name)), None)


def _unknown_lines(known: Iterable[Option], files: Iterable[Path]) -> Iterator[Fault]:
    """Yield a fault for each section and each line that is no setting: most are typing errors."""
    names: dict[str, list[str]] = {section: [] for section in option.SECTIONS}
    for setting in known:
        names[setting.section].append(setting.name)
    for file in files:
        sections: dict[str, dict[str, Any]] = {}
        cfg.ConfigParser(str(file), sections).parse()
        for section, lines in sections.items():
            if section not in names:
                detail = f"{file} has the unknown section [{section}]. The sections are {', '.join(names)}."
                yield Fault(pointer=f"[{section}]", detail=detail, code="unknown_field")
                continue
            for line in lines:
                name = line.replace("-", "_")
                if new := renamed.RENAMED.get((section, name)):
                    yield _renamed(f"[{section}] {name}", new)
                elif name not in names[section]:
                    yield _unknown(f"[{section}] {line}", names[section])


def _unknown_variables(known: Iterable[Option], environ: Mapping[str, str]) -> Iterator[Fault]:
    """Yield a fault for each variable of a section that is no setting."""
    names: dict[str, list[str]] = {}
    for setting in known:
        names.setdefault(f"OS_{setting.section.upper()}", []).append(setting.variables[0])
    new_names = renamed.variables()
    for variable in sorted(environ):
        section, separator, _ = variable.partition("__")
        if not separator or section not in names or variable in names[section]:
            continue
        if variable in new_names:
            yield _renamed(variable, new_names[variable])
        else:
            yield _unknown(variable, names[section])


def _unknown(name: str, known: Iterable[str]) -> Fault:
    detail = f"Unknown setting {name}. Choose one of {', '.join(known)}."
    return Fault(pointer=name, detail=detail, code="unknown_field")


def _renamed(old: str, new: str) -> Fault:
    return Fault(pointer=old, detail=f"{old} is now called {new}.", code="unknown_field")
