"""``python -m napari_atlas VERB …``."""

from napari_atlas.cli import main

if __name__ == "__main__":
    main()
