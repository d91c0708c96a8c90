"""The reference says what the code says, and every code, event and file has its place in it."""

import re

import pytest

from enamel.api import schemas
from enamel.api.routes import ROUTES
from enamel.commands import COMMANDS
from enamel.model import error_tree, event, field_docs
from enamel.steps import KINDS
from tools.reference import bodies, catalogue, cli, modules, routes, settings


def headings(page: str) -> set[str]:
    text = (catalogue.FOLDER / page).read_text(encoding="utf-8")
    return {heading.strip("` ") for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}


@pytest.mark.parametrize("name", sorted(catalogue.PAGES))
def test_page_is_what_the_code_says(name: str) -> None:
    assert not catalogue.is_behind(name), f"docs/reference/{name} is behind the code: run `make docs`"


def test_every_error_code_has_its_heading() -> None:
    assert {kind.code for kind in error_tree.tree()} <= headings("errors.md")


def test_error_codes_are_one_each() -> None:
    codes = [kind.code for kind in error_tree.tree()]
    # A class that only refines another's words may keep its code; two unrelated ones may not share.
    shared = {kind.code for kind in error_tree.tree() if "code" not in vars(kind)}
    assert sorted(code for code in set(codes) if codes.count(code) > 1 and code not in shared) == []


def test_every_error_says_what_it_is() -> None:
    assert [kind.__name__ for kind in error_tree.tree() if not (kind.__doc__ or "").strip()] == []


def test_every_event_type_has_its_heading() -> None:
    assert set(event.TYPES) <= headings("events.md")


def test_every_route_has_its_heading() -> None:
    assert {routes.heading(route) for route in ROUTES} <= headings("routes.md")


def test_every_body_has_its_heading() -> None:
    assert {schemas.name_of(kind) for kind in bodies.kinds()} <= headings("bodies.md")


def test_every_command_has_its_heading() -> None:
    assert set(COMMANDS) <= headings("commands.md")


def test_every_command_is_a_task_of_its_own_name() -> None:
    assert {name: command.name for name, command in COMMANDS.items() if command.name != name} == {}


def test_every_command_of_the_command_line_has_its_heading() -> None:
    assert {context.command_path for context in cli.contexts()} <= headings("cli.md")


def test_every_option_has_its_line_and_says_what_it_is_for() -> None:
    text = (catalogue.FOLDER / "cli.md").read_text(encoding="utf-8")
    unsaid = [
        f"{context.command_path} {option.opts[0]}"
        for context in cli.contexts()
        for option in cli.options(context)
        if not option.help or f"`{option.opts[0]}" not in text
    ]
    assert unsaid == []


def test_every_setting_has_its_heading_and_its_line() -> None:
    assert set(settings.sections()) <= headings("settings.md")
    unsaid = [
        f"{name}.{field}"
        for name, section in settings.sections().items()
        for field in section.__struct_fields__
        if field not in field_docs.of(section)
    ]
    assert unsaid == []


def test_every_kind_of_step_has_its_heading() -> None:
    assert set(KINDS) <= headings("steps.md")


def test_every_step_knows_the_name_it_is_found_by() -> None:
    assert {kind: step.kind for kind, step in KINDS.items() if step.kind != kind} == {}


@pytest.mark.parametrize("floor", modules.FLOORS)
def test_every_file_has_its_line(floor: str) -> None:
    text = (catalogue.FOLDER / "modules.md").read_text(encoding="utf-8")
    paths = [path.relative_to(modules.SOURCE).as_posix() for path in modules.files(floor)]
    assert [path for path in paths if f"| `{path}` |" not in text] == []


def test_every_folder_is_a_floor() -> None:
    folders = {path.parent.name for path in modules.SOURCE.glob("*/__init__.py")}
    singles = {path.stem for path in modules.SOURCE.glob("*.py")} - {"__init__", "__main__"}
    assert folders | singles <= set(modules.FLOORS)
