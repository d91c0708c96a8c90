"""The watcher: one poller for each cloud, project and kind of resource."""
