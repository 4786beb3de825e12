"""Clips of windows, written as films and stills."""
