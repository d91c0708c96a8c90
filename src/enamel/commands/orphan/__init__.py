"""Commands on orphans."""
