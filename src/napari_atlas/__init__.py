"""See behaviour across species: one shared latent map, linked to the videos, in napari."""

__version__ = "0.1.0"

__all__ = ["__version__"]
