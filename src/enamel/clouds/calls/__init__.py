"""Calls to clouds, whatever driver makes them: their record, fence, cache and freshness."""
