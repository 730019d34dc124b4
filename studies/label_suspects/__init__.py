"""The study `label-suspects`: training images whose label is doubtful, by confident learning."""
