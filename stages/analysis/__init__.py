"""The science: arrays in, values out. No files, no MLflow, no plotting."""
