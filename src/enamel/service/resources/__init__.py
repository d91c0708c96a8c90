"""Resources of the clouds, as every face shows them."""
