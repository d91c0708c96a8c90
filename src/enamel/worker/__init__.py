"""The worker: claims tasks of its topics under a lease and carries them out."""
