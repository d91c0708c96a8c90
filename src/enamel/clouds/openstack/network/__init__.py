"""Neutron, and Nova's networks before it: networks, ports, addresses, security groups."""
