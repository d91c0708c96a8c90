"""Tasks: accept, read, follow, cancel, tell webhooks."""
