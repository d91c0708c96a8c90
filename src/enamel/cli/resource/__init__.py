"""Commands for the resources of a cloud, and for tasks."""
