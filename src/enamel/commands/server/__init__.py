"""Commands on existing servers."""
