"""What the stages are made of, and what a notebook imports."""
