"""Nova: servers, flavors, keypairs, server groups."""
