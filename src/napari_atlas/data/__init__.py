"""Frozen nouns: what a recording, a signal, a window and a split are."""
