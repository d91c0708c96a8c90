"""The sandbox's Keystone."""
