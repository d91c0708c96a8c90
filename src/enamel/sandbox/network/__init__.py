"""The sandbox's Neutron."""
