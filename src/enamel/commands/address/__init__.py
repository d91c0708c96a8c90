"""Commands on addresses."""
