"""Requests are decoded and checked; every fault is found in one go."""
