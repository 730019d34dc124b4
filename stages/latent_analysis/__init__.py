"""The stage `latent-analysis`: what the networks have made of the images."""
