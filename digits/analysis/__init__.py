"""The science: arrays in, values out; no files, no pictures, no MLflow."""
