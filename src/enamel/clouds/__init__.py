"""The clouds beneath: one Protocol in Enamel's words, and a package for each kind of cloud."""
