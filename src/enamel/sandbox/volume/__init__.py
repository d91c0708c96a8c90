"""The sandbox's Cinder."""
