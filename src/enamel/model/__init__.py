"""The words of Enamel: what every floor above may say, and nothing that acts."""
