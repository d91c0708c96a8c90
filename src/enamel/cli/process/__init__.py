"""Commands that start, configure and maintain the processes of a service."""
