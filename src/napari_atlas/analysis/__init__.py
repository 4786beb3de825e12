"""From latents to understanding: projection, neighbours, alignment."""
