"""Keystone: sessions, users and projects."""
