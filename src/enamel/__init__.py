"""Enamel, the porcelain API for OpenStack."""

__version__ = "0.1.0"
