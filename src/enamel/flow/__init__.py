"""Durable execution: a plan as data, a runner that journals every step, and undoing."""
