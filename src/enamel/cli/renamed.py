"""Spellings that have a new name: the old one is refused with a message that names the new one."""

COMMANDS = {
    "server attach": ("server add volume", "server add network", "server add port"),
    "server confirm": ("server resize confirm",),
    "server console": ("server console url",),
    "server detach": ("server remove volume", "server remove network", "server remove port"),
    "server log": ("server console log",),
    "server move": ("server migrate",),
    "server offload": ("server shelve --offload",),
    "server revert": ("server resize revert",),
}
"""The new spellings of a command, by its old one."""
OPTIONS = {
    ("address create", "--from"): "--address-network",
    ("server add volume", "--called"): "--volume-name",
    ("server create", "--from"): "--address-network",
    ("server resize", "--trial"): "--no-confirm",
    ("worker", "--slots"): "--max-tasks",
}
"""The new spelling of an option, by its command and its old spelling."""


def command(path: str) -> str | None:
    """Return the sentence that names the new spellings of a command; None for a command that is not renamed."""
    new = COMMANDS.get(_without_program(path))
    if new is None:
        return None
    *others, last = (f"`{spelling}`" for spelling in new)
    choice = f"{', '.join(others)} or {last}" if others else last
    return f"`{_without_program(path)}` is now {choice}."


def option(path: str, name: str) -> str | None:
    """Return the sentence that names the new spelling of a command's option; None for one that is not renamed."""
    new = OPTIONS.get((_without_program(path), name))
    return f"`{name}` is now `{new}`." if new else None


def _without_program(path: str) -> str:
    """Return the path of a command without the name of the program: `enamel server move` is `server move`."""
    return path.partition(" ")[2]
