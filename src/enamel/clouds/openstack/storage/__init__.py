"""Cinder and Glance: volumes, snapshots, images."""
