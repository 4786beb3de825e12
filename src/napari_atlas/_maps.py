"""Maps of a run: made, remade of a part, read."""
