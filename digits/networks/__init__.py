"""The three networks as functions of their settings: pure Keras 3, no data, no files.

Every network takes raw pixels, float32 (n, height, width, channels) from 0 to 255, and scales them
itself, so that a saved model cannot be fed the wrong range. Every random draw has a seed of its own.
"""
