"""The launch: one request for servers and everything around them."""
