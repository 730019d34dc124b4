"""The study `features`: how many features an MLP needs, and of which kind."""
