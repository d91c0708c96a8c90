"""Commands on earlier tasks: restart, revert."""
