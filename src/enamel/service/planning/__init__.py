"""From a request to a plan: facts, candidate clouds, quota, reservations."""
