"""The sources of settings: what the command line says, before the environment, before the INI file."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from oslo_config import cfg

from enamel.conf import option
from enamel.conf.option import Option
from enamel.model.errors import Fault, Invalid

PLACES = ("/etc/enamel/enamel.conf", "~/.config/enamel.conf")
"""Where a file is looked for when none is named; the later goes before the earlier."""

Values = dict[str, dict[str, Any]]
"""What was set, by section and name."""


class Word(Struct, frozen=True):
    """A text that the command line has for a setting."""

    flag: str
    """The option of the command line, as in `--port`."""
    text: str


Words = Mapping[tuple[str, str], Word]
"""What the command line says, by section and name."""


def found() -> list[Path]:
    """Return the files that are there where files are looked for."""
    return [path for place in PLACES if (path := Path(place).expanduser()).is_file()]


def read(environ: Mapping[str, str], *, files: Sequence[Path] = (), words: Words | None = None) -> Values:
    """Return everything that is set.

    Args:
        environ: The environment, with variables such as OS_API__PORT.
        files: The INI files; a later one goes before an earlier one.
        words: What the command line says.

    Raises:
        Invalid: There are faults; every one is told.

    """
    known = list(option.options())
    loaded = _load(known, files)
    faults = [*_unknown_lines(known, files), *_unknown_variables(known, environ)]
    values: Values = {section: {} for section in option.SECTIONS}
    for one in known:
        where = f"[{one.section}] {one.name}"
        try:
            if told := _told(one, environ, words or {}):
                where = told.flag
                values[one.section][one.name] = one.kind.read(told.text)
            elif _is_in_file(one, loaded):
                place = loaded if one.section == "DEFAULT" else loaded[one.section]
                values[one.section][one.name] = place[one.name]
        except (cfg.TemplateSubstitutionError, cfg.NoSuchOptError):
            detail = f"{where} has a $ that stands for no other setting: write $$ for the sign itself."
            faults.append(Fault(pointer=where, detail=detail))
        except ValueError as error:
            # oslo.config wraps our sentence in one of its own, which names no section.
            said = str(error.__cause__ or error.__context__ or error).rstrip(".")
            faults.append(Fault(pointer=where, detail=f"{where}: {said}."))
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
    for one in known:
        loaded.register_opt(option.registered(one), group=_group(one))
    try:
        # The environment comes in through `read`, so that the same words always mean the same.
        loaded([], project="enamel", default_config_files=[str(file) for file in files], use_env=False)
    except cfg.ConfigFilesNotFoundError as error:
        raise _unusable("There is no file", error.config_files) from error
    except cfg.ConfigFilesPermissionDeniedError as error:
        raise _unusable("This user may not read", error.config_files) from error
    except (cfg.ConfigFileParseError, UnicodeDecodeError, OSError) as error:
        raise Invalid(f"The configuration cannot be read: {error}.", remedy=_REMEDY) from error
    return loaded


def _unusable(why: str, files: Iterable[str]) -> Invalid:
    return Invalid(f"{why} {', '.join(files)}.", remedy="Name the configuration with --config-file.")


def _group(one: Option) -> str | None:
    return None if one.section == "DEFAULT" else one.section


def _is_in_file(one: Option, loaded: cfg.ConfigOpts) -> bool:
    location = loaded.get_location(one.name, _group(one))
    return location is not None and location.location is cfg.Locations.user


def _told(one: Option, environ: Mapping[str, str], words: Words) -> Word | None:
    """Return what goes before the files."""
    if one.key in words:
        return words[one.key]
    return next((Word(name, environ[name]) for name in one.variables if environ.get(name)), None)


def _unknown_lines(known: Iterable[Option], files: Iterable[Path]) -> list[Fault]:
    """Return a fault for each section and each line that means nothing: most are typing errors."""
    names: dict[str, list[str]] = {section: [] for section in option.SECTIONS}
    for one in known:
        names[one.section].append(one.name)
    faults = []
    for file in files:
        sections: dict[str, dict[str, Any]] = {}
        cfg.ConfigParser(str(file), sections).parse()
        for section, lines in sections.items():
            if section not in names:
                detail = f"{file} has a section [{section}]; there are {', '.join(names)}."
                faults.append(Fault(pointer=f"[{section}]", detail=detail, code="unknown_field"))
                continue
            strange = [name for name in lines if name.replace("-", "_") not in names[section]]
            faults += [_unknown(f"[{section}] {name}", names[section]) for name in strange]
    return faults


def _unknown_variables(known: Iterable[Option], environ: Mapping[str, str]) -> list[Fault]:
    names: dict[str, list[str]] = {}
    for one in known:
        names.setdefault(f"OS_{one.section.upper()}", []).append(one.variables[0])
    return [
        _unknown(variable, names[section])
        for variable in sorted(environ)
        if (section := variable.partition("__")[0]) in names
        and "__" in variable
        and variable not in names[section]
    ]


def _unknown(name: str, others: Iterable[str]) -> Fault:
    detail = f"There is no setting {name}; there are {', '.join(others)}."
    return Fault(pointer=name, detail=detail, code="unknown_field")
