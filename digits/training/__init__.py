"""Training a network: its settings, the loop, augmentation, checkpoints."""
