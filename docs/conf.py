"""Sphinx settings."""

import importlib.metadata

project = "napari-atlas"
release = importlib.metadata.version("napari-atlas")
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
html_theme = "alabaster"
html_theme_options = {"description": "See behaviour across species"}
myst_heading_anchors = 3
