"""The worker: takes tasks of its topics under a lease and has them carried out."""
