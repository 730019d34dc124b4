"""What maintainers and `make` use besides the pipeline."""
