"""The key store: where secrets are, so that they are nowhere else."""
