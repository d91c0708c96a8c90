"""Commands on server types."""
