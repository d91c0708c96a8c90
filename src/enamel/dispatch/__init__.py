"""Wake-ups between the parts of Enamel: hints that save waiting, never the truth; that is the store's."""
