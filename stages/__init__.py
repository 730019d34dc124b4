"""The stages of the pipeline, one module each, and the packages they share."""
