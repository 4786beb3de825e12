"""Qt, thin: docks, canvases and the bridge to napari."""
