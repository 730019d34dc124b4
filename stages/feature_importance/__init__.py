"""The stage `feature-importance`: which pixels matter, and how far a few of them go."""
