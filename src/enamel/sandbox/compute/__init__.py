"""The sandbox's Nova."""
