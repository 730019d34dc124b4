"""The stage `filters`: what the filters of the CNN see."""
