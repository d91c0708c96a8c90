"""The group `enamel server`."""
