"""Pictures: style.py gives look, colours and scales; grid.py draws many small images."""
