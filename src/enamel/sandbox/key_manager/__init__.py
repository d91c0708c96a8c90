"""The sandbox's Barbican."""
