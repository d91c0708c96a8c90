"""Calls to clouds, whatever driver makes them: their context, record, fence and cache."""
