"""The methods of a driver, in groups by noun; each group that is optional has defaults that raise CapabilityMissing."""
