"""Settings that have a new name: the old one is refused with a message that names the new one."""

RENAMED = {
    ("clouds", "at_once"): "max_concurrent_calls",
    ("clouds", "per_second"): "max_calls_per_second",
    ("worker", "slots"): "max_tasks",
    ("worker", "look_every"): "poll_interval",
    ("worker", "drain_for"): "graceful_shutdown_timeout",
    ("api", "drain_for"): "graceful_shutdown_timeout",
    ("store", "give_up_after"): "timeout",
    ("store", "keep_for"): "retention",
    ("orphans", "seen_apart"): "min_sightings_interval",
    ("orphans", "unused_for"): "min_idle_time",
}
"""The new name of a setting, by its section and its old name."""


def variables() -> dict[str, str]:
    """Return the new name of each renamed environment variable, by its old name."""
    return {
        f"OS_{section.upper()}__{old.upper()}": f"OS_{section.upper()}__{new.upper()}"
        for (section, old), new in RENAMED.items()
    }
