"""Torch: networks, losses, fitting, encoding, checkpoints."""
