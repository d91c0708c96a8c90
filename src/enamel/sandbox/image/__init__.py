"""The sandbox's Glance."""
