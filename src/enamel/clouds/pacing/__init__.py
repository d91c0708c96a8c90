"""Pacing of calls: gates with budgets, lanes for projects, priorities."""
