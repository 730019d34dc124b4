"""The stage `evaluate`: how well the trained networks do on the test set."""
