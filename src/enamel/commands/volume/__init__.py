"""Commands on volumes and their snapshots."""
