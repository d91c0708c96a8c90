"""What the processes of one deployment know together about the clouds, and never more than hints."""
